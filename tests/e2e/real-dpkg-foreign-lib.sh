#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command as root, for whom an emulator runs the programs of arm64:
#   sh tests/e2e/real-dpkg-foreign-lib.sh EMULATOR COMMAND...
#
# Which program runs those of another architecture is a setting of the whole machine, but a user
# namespace has its own (binfmt_misc, from Linux 6.7 on). In this one everybody is who he is outside.
set -eu
if [ "$1" = inside ]; then
	read -r _ <"$2/go"
	mount -t proc proc /proc
	mount -t binfmt_misc binfmt_misc "$2/registry"
	# The first bytes of an ELF file of the architecture, and which of their bits count.
	printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$3"':F' >"$2/registry/register"
	shift 3
	exec "$@"
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/registry"
mkfifo "$dir/go"
unshare --user --mount --propagation private --net --uts --pid --fork sh "$0" inside "$dir" "$@" &
pid=$!
tries=0
while [ "$(readlink "/proc/$pid/ns/user")" = "$(readlink /proc/self/ns/user)" ] && [ $tries -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
echo '0 0 4294967295' >"/proc/$pid/uid_map"
echo '0 0 4294967295' >"/proc/$pid/gid_map"
echo go >"$dir/go"
wait "$pid"
