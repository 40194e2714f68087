# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Unpacking itself takes an emulated kernel seconds: do it here, once.  QEMU
# starts the ELF file through its PVH entry.  Sourced after common.sh.

# le32 FILE OFFSET
le32() {
	od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

# unpack_image IMAGE OUT: the payload of a bzImage follows its setup sectors
# (Documentation/x86/boot.rst) and ends with the unpacked length.
unpack_image() {
	local image=$1 out=$2 sectors start length unpack

	sectors=$(od -An -tu1 -j 497 -N 1 "$image" | tr -d ' ')
	start=$(((sectors + 1) * 512 + $(le32 "$image" 584)))
	length=$(le32 "$image" 588)
	case $(od -An -tx1 -j "$start" -N 4 "$image" | tr -d ' ') in
	fd377a58) unpack='xz -dc' ;;
	28b52ffd) unpack='zstd -qdc' ;;
	02214c18) unpack='lz4 -qdc' ;;
	*) die "$image: packed in an unknown way" ;;
	esac
	dd if="$image" iflag=skip_bytes,count_bytes bs=64K status=none \
		skip="$start" count=$((length - 4)) | $unpack >"$out"
}
