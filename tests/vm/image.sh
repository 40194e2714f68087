# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The initramfs of one run: busybox, tests/vm/init, the kernel modules that the
# root file system needs, and /job, which says what to do.  Sourced by
# tests/vm/run, whose variables it reads; made anew for every run, in $tmp.

# shellcheck disable=SC2154 # those variables

# quote WORD...: for any POSIX shell.
quote() {
	local word

	for word in "$@"; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}

# install_program FILE DEST: with the libraries and the loader that it needs.
install_program() {
	local file=$1 dest=$root$2 lib

	mkdir -p "${dest%/*}"
	cp -L "$file" "$dest"
	{ ldd "$file" 2>/dev/null || true; } | sed -nE 's,^[^/]*(/[^ :]+) \(.*,\1,p' |
		while read -r lib; do
			[ -e "$root$lib" ] || install -D "$lib" "$root$lib"
		done
}

# add_file FILE[:DEST]: init puts it there once the host's files are mounted; alone,
# the initramfs is all there is.
add_file() {
	local file=${1%%:*} dest=${1#*:}

	[ -r "$file" ] || die "--add: cannot read $file"
	[ "$1" != "$file" ] || dest=$(realpath -s "$file")
	case $dest in
	*/) die "--add: $dest is no name of a file" ;;
	/*) ;;
	*) die "--add: $dest does not begin with /" ;;
	esac
	if [ -n "$alone" ]; then
		install_program "$file" "$dest"
	else
		mkdir -p "$root/job/add${dest%/*}"
		cp -L "$file" "$root/job/add$dest"
	fi
}

# Kernel modules that init loads, in order; what is built in has none.
boot_modules() {
	local wanted=(virtio_pci virtio_console) name file

	[ -n "$modules" ] || return 0
	[ -n "$alone" ] || wanted+=(9pnet_virtio 9p overlay)
	[ ${#forwards[@]} = 0 ] || wanted+=(virtio_net)
	mkdir -p "$root/job/modules"
	/sbin/modprobe -d "${modules%/lib/modules/*}" -S "${modules##*/}" \
		--show-depends -a "${wanted[@]}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			name=${file##*/}
			name=${name%%.ko*}.ko
			case $file in
			*.xz) xz -dc "$file" >"$root/job/modules/$name" ;;
			*.zst) zstd -qdc "$file" >"$root/job/modules/$name" ;;
			*) cp "$file" "$root/job/modules/$name" ;;
			esac
			printf '%s ' "$name"
		done
}

# The modules under test; their debug information stays on the host.
tested_modules() {
	local file name

	for file in ${extra_modules[@]+"${extra_modules[@]}"}; do
		name=${file##*/}
		strip -g -o "$root/job/ko/$name" "$file" || die "cannot read $file"
		ko+=" $name"
		unload="$(/sbin/modinfo -F name "$file") $unload"
	done
}

command_script() {
	local program=${command[0]}

	case $program in
	sh) [ -z "$alone" ] || program=/bin/sh ;;
	*/*) ;;
	*) program=$(type -P "$program") || die "no command ${command[0]}" ;;
	esac
	if [ -n "$alone" ] && [ "$program" != /bin/sh ]; then
		install_program "$program" "$(realpath -s "$program")"
	fi
	echo "exec $(quote "$program" "${command[@]:1}")"
}

environment() {
	local entry

	while IFS= read -r -d '' entry; do
		case $entry in
		SEDA_ACCEL=* | SEDA_CACHE=*) ;;
		SEDA_* | SEDAK_* | TERM=* | LANG=*)
			echo "export ${entry%%=*}=$(quote "${entry#*=}")"
			;;
		esac
	done < <(env -0)
	for entry in ${envs[@]+"${envs[@]}"}; do
		echo "export ${entry%%=*}=$(quote "${entry#*=}")"
	done
}

settings() {
	local entry tag=0 shares='' ko='' unload=''

	for entry in ${shared[@]+"${shared[@]}"}; do
		tag=$((tag + 1))
		shares+=" share$tag:${entry#*:}"
	done
	tested_modules
	cat <<END
modules=$(quote "$(boot_modules)")
ko=$(quote "$ko")
unload=$(quote "$unload")
param=$(quote "$param")
shares=$(quote "$shares")
module_dir=$(quote "$modules")
cwd=$(quote "$PWD")
alone=$alone
tty=$interactive
merge=$merge
kmemleak=$kmemleak
forward=${forwards:+1}
timeout=${timeout#0}
END
}

make_image() {
	local root=$tmp/root merge='' entry

	# 2>&1 on the host keeps the order of what is written: in the guest too.
	[ ! /proc/self/fd/1 -ef /proc/self/fd/2 ] || merge=1
	mkdir -p "$root"/{bin,job/ko,proc,sys,dev,tmp,lib64,root,etc}
	cp /bin/busybox "$root/bin/busybox"
	cp "$here/init" "$root/init"
	command_script >"$root/job/command"
	environment >"$root/job/env"
	settings >"$root/job/settings"
	[ -z "$alone" ] || mkdir -p "$root$PWD"
	for entry in ${adds[@]+"${adds[@]}"}; do
		add_file "$entry"
	done
	# The same bytes for the same content: an instruction count depends on them.
	find "$root" -exec touch -h -d @0 {} +
	(cd "$root" && find . | LC_ALL=C sort |
		cpio --quiet --reproducible -R 0:0 -o -H newc) >"$tmp/initrd"
	rm -rf "$root"
}
