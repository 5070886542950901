#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What ships is what was installed through the booted build image, and what was booted by tests/boot:
#
#	compare.sh INSTALLED.tar ROOT.tar BOOT-FILE...
#
# Each file of INSTALLED (recipes/software.yaml) is in ROOT with the same bytes, type, mode, owner and
# time, each directory with the same mode and owner; dpkg says the same of its packages; installing them
# changed nothing else in the guest. Each BOOT-FILE is in ROOT where U-Boot looks for it, or where its
# package has put it. Writes what was compared to shipped.txt.
set -eu
installed=$1 root=$2
shift 2
export TZ=UTC LC_ALL=C
fail() {
	echo "what ships is not what was installed: $1" >&2
	exit 1
}

# entries TAR: a line per entry, sorted: type and mode, owner, size and time (not of a directory), name
entries() {
	tar --numeric-owner --full-time -tvf "$1" | awk '/^d/ { $3 = $4 = $5 = "-" } { sub("/$", ""); print }' | sort
}

# stanza PACKAGE STATUS: what dpkg's database says of it
stanza() { awk -v RS= -v first="Package: $1" '{ split($0, line, "\n") } line[1] == first' "$2"; }

mkdir guest ships
tar -xf "$installed" -C guest
mv guest/changed changed
mv guest/var/lib/dpkg/status status
(cd guest && find . ! -type d) | sed 's,^\./,,' | sort >files
[ -s files ] || fail "nothing was"

entries "$installed" | grep -vE ' (changed|var/lib/dpkg/status)$' >guest.entries
entries "$root" >ships.entries
comm -23 guest.entries ships.entries >differ
[ ! -s differ ] || fail "$(cat differ)"
tar -xf "$root" -C ships -T files
diff -r --no-dereference guest ships || fail "the files named above differ"

tar -xf "$root" -O "var/lib/dpkg/status" >ships.status
for list in guest/var/lib/dpkg/info/*.list; do
	name=$(basename "$list" .list)
	stanza "$name" status >guest.stanza
	stanza "$name" ships.status >ships.stanza
	grep -qx 'Status: install ok installed' guest.stanza || fail "package '$name' was not"
	diff guest.stanza ships.stanza || fail "dpkg says something else of package '$name'"
done

# What dpkg itself writes: its database, its log. The recipe works in /software.
sed 's,^/,,' changed | grep -vE '^(software|var/lib/dpkg|var/log)/' | sort >changed.files
comm -23 changed.files files >beyond
[ ! -s beyond ] || fail "installing changed more than the packages' files: $(cat beyond)"

for file; do
	case ${file##*/} in
	start4.elf | fixup4.dat) place=usr/lib/raspi-firmware/${file##*/} ;;
	u-boot.bin | boot.scr) place=usr/lib/uboot-raspberrypi400/${file##*/} ;;
	*) place=boot/${file##*/} ;;
	esac
	tar -xf "$root" -O "$place" >one || fail "'$place' is not there"
	cmp "$file" one || fail "'$place' is not what was booted"
	echo "booted $place" >>booted
done
cat guest.entries booted >shipped.txt
