# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In a tree: its dpkg unpacks and configures packages, as the lines of /run/orch/steps say (dpkg.h).
#
# Triggers wait for the last call, as with apt. An overlay is laid in again after each unpacking: what
# it has wins over the files of packages. Where there may be conffiles before their package they stay as
# they are; elsewhere dpkg is called as apt does.
fail() {
	echo "orch: $1"
	exit 1
}
run() {
	dpkg --force-unsafe-io $keep --abort-after=1 --status-fd 3 "$@" </dev/null 3>>/run/orch/status || exit 1
}
overlay() {
	[ -e /run/orch/overlay.tar ] || return 0
	tar -xf /run/orch/overlay.tar -C / --keep-directory-symlink --no-overwrite-dir || exit 1
}

keep=
cd /run/orch/debs || exit 1
# No daemon is started here: invoke-rc.d(8).
if [ -e /usr/sbin/policy-rc.d ]; then
	policy=theirs
else
	policy=ours
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
fi
# What debootstrap gives every system, and u-boot-menu reads.
fstab='# UNCONFIGURED FSTAB FOR BASE SYSTEM'
if [ -e /etc/fstab ] || [ -h /etc/fstab ]; then
	fstab=
else
	echo "$fstab" >/etc/fstab || exit 1
fi

# shellcheck disable=SC2086 # names are several words
while read -r verb names; do
	case $verb in
	keep) keep=--force-confold ;;
	seed) run --no-triggers --force-depends --unpack $names && overlay ;;
	unpack) run --no-triggers --unpack $names && overlay ;;
	configure) run --no-triggers --configure $names ;;
	finish) run --configure -a ;;
	esac
done </run/orch/steps

[ $policy = theirs ] || rm -f /usr/sbin/policy-rc.d
[ -z "$fstab" ] || [ "$(cat /etc/fstab 2>/dev/null)" != "$fstab" ] || rm -f /etc/fstab
audit=$(dpkg --audit)
[ -z "$audit" ] || {
	echo "$audit"
	fail 'dpkg --audit has something to say'
}
exit 0
