# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In the appliance, process 1 of new namespaces: what a command of the sandbox finds around it
# (sandbox_vm.c). $r: its root.
# shellcheck disable=SC2086,SC2154 # $r has no spaces
set -e
umask 022
echo localhost >/proc/sys/kernel/hostname
ip link set lo up
mount -t proc -o nosuid,nodev,noexec proc $r/proc
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs $r/dev
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs $r/run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs $r/tmp
mkdir $r/dev/pts $r/dev/shm $r/run/lock
chmod 1777 $r/dev/shm
mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620 devpts $r/dev/pts
for d in null zero full random urandom tty; do
	: >$r/dev/$d
	mount --bind /dev/$d $r/dev/$d
	mount -o remount,bind,ro $r/dev/$d
done
ln -s /proc/self/fd $r/dev/fd
ln -s pts/ptmx $r/dev/ptmx
ln -s /proc/self/fd/0 $r/dev/stdin
ln -s /proc/self/fd/1 $r/dev/stdout
ln -s /proc/self/fd/2 $r/dev/stderr

# put FROM TO MODE: what is bound into the sandbox.
put() {
	if [ -d "$1" ]; then
		mkdir -p "$2"
	else
		mkdir -p "${2%/*}"
		[ -e "$2" ] || : >"$2"
	fi
	mount --bind "$1" "$2"
	mount -o "remount,bind,$3" "$2"
}
