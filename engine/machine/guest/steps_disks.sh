# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# wait_disk SERIAL N: sets $dev to a disk's device, waited for up to 30 s; ends the run without it.
# shellcheck disable=SC2015,SC2034
find_disk() {
	for s in /sys/block/*/serial /sys/block/*/device/serial; do
		[ -e "$s" ] && read -r x <"$s" && [ "$x" = "$1" ] || continue
		d=${s#/sys/block/} && echo "/dev/${d%%/*}" && return 0
	done
	return 1
}
wait_disk() {
	i=0
	until dev=$(find_disk "$1"); do
		[ $i -lt 30 ] || { say "lost $2"; leave 1; }
		i=$((i + 1)); sleep 1
	done
}
