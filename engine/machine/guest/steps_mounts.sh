# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# After steps.sh: mounts what programs need, sets the clock, and says where / lies on the boot disk, for
# the host reads it there afterwards. $root_serial: that disk's serial number.
# shellcheck disable=SC2154
[ -e /proc/self ] || mount -t proc proc /proc
mounted /sys || mount -t sysfs sysfs /sys
mounted /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mounted /dev/pts || mount -t devpts -o mode=620,gid=5 devpts /dev/pts
mounted /dev/shm || mount -t tmpfs -o mode=1777 shm /dev/shm
mounted /run || mount -t tmpfs -o mode=755 run /run
mount -o remount,rw /
[ "$(date +%s)" -ge "$SOURCE_DATE_EPOCH" ] || date -s "@$SOURCE_DATE_EPOCH" >/dev/null
ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
say begin
mkdir -p /run/orch
while read -r _ _ n _ p _; do [ "$p" = / ] && root=$n; done </proc/self/mountinfo
d=/sys/dev/block/$root
start=0
[ -e "$d/partition" ] && read -r start <"$d/start" && d=$d/..
for f in "$d/serial" "$d/device/serial"; do
	[ -e "$f" ] && read -r x <"$f" && [ "$x" = "$root_serial" ] && say "root $start"
done
