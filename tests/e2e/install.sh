#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make install puts everything below DESTDIR, or on a guest where modprobe finds
# it; a program builds against what was installed and runs with the shared library;
# make uninstall leaves nothing, also from a tree that was cleaned.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$tap_dir/root

make_seda() { # TREE GOAL
	make -s -C "$1" DESTDIR="$root" PREFIX=/usr "$2"
}

# prefix_of DIRECTORY: what the .pc file that was installed there says.
prefix_of() {
	sed -n 's/^prefix=//p' "$1/lib/pkgconfig/sedak.pc"
}

# Twice from one build, to other places.
check "make install for /opt/seda" make -s -C "$SEDA_TOP" DESTDIR="$tap_dir/other" \
	PREFIX=/opt/seda install
check "make install" make_seda "$SEDA_TOP" install
is "each is told its prefix" \
	"$(prefix_of "$tap_dir/other/opt/seda") $(prefix_of "$root/usr")" "/opt/seda /usr"
for file in usr/lib/libsedak.so usr/lib/libsedak.so.0 usr/lib/libsedak.a \
	usr/include/sedak.h usr/include/linux/seda.h usr/lib/pkgconfig/sedak.pc \
	usr/lib/udev/rules.d/60-seda.rules usr/lib/sysusers.d/seda.conf \
	usr/bin/sedahttpd usr/share/man/man4/seda.4 \
	usr/share/man/man7/libsedak.7 usr/share/man/man1/sedahttpd.1; do
	check "$file is there" test -s "$root/$file"
done
check "the module is there" test -s "$(echo "$root"/lib/modules/*/updates/seda.ko)"
check "the soname is libsedak.so.0" \
	grep -q 'SONAME.*\[libsedak.so.0\]' <(readelf -d "$root/usr/lib/libsedak.so")
check "only versioned symbols are exported" sh -c \
	'! nm -D --defined-only "$1" | grep -vE " A | (sedak_[a-z0-9_]*|.*)@@?SEDAK"' - \
	"$root/usr/lib/libsedak.so"

example=$SEDA_TOP/tools/examples/echo.c
# Else it leaves out what the compiler of this machine finds without being told.
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
is "pkg-config knows the version" "$(pkg-config --modversion sedak)" \
	"$(sed -n 's/^VERSION := //p' "$SEDA_TOP/Makefile")"
# shellcheck disable=SC2046 # a list of flags
check "the example builds against what is installed" \
	gcc -o "$tap_dir/echo" "$example" \
	$(PKG_CONFIG_SYSROOT_DIR=$root pkg-config --cflags --libs sedak)
check "and uses the shared library" env LD_LIBRARY_PATH="$root/usr/lib" \
	sh -c 'ldd "$1" | grep -q "libsedak.so.0 => $2"' - "$tap_dir/echo" "$root"

# As root on a machine of its own, where the system is told.
cat >"$tap_dir/machine" <<'END'
set -eux
make -s -C "$1" KDIR="$2" PREFIX=/usr install
modprobe seda
test -c /dev/seda
getent group seda
ldconfig -p | grep libsedak.so.0
sedahttpd --version
rmmod seda
make -s -C "$1" KDIR="$2" PREFIX=/usr uninstall
modprobe seda && exit 1
ldconfig -p | grep libsedak && exit 1
test ! -e /usr/bin/sedahttpd
END
check "make install, modprobe, make uninstall in a guest" \
	"$SEDA_TOP/tests/vm/run" --version 6.1 --no-module -- \
	bash "$tap_dir/machine" "$SEDA_TOP" \
	"$("$SEDA_TOP/tests/vm/kernel" 6.1 | sed -n 's/^build=//p')"

# A tree without build/, and a kernel that was there before.
mkdir "$tap_dir/tree"
cp -r "$SEDA_TOP"/{Makefile,mk,include,kmod,lib,tools} "$tap_dir/tree/"
install -D /dev/null "$root/lib/modules/6.0/updates/seda.ko"
check "make uninstall from a cleaned tree" make_seda "$tap_dir/tree" uninstall
is "leaves no file" "$(find "$root" ! -type d)" ''
finish
