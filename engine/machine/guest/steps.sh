# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In a guest that runs steps: the beginning of what steps.h describes. $T: what marks our lines on the
# console.
# shellcheck disable=SC2154
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
cd /
mounted() {
	while read -r _ p _; do [ "$p" = "$1" ] && return 0; done </proc/mounts
	return 1
}
say() {
	echo 1 >/proc/sys/kernel/printk
	printf '\nORCH-%s %s;\n' "$T" "$1" >/dev/console
	echo 4 >/proc/sys/kernel/printk
}
