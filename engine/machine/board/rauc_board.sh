# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of a board of `machine: rauc` (rauc_board.h), in the root slot that the initramfs mounted: what
# RAUC needs of a running system, then RAUC. The agent's program follows. $before, $after: the path of a
# partition without its name; $disk_path: that of the disk, or empty; $prepare: a script, or empty.
# shellcheck disable=SC2154
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
mounted() {
	while read -r _ p _; do [ "$p" = "$1" ] && return 0; done </proc/mounts
	return 1
}
mounted /dev || mount -t devtmpfs dev /dev
exec </dev/null >/dev/console 2>&1
mounted /run || mount -t tmpfs -o nosuid,nodev,mode=0755 run /run
mounted /tmp || mount -t tmpfs -o nosuid,nodev,mode=1777 tmp /tmp
mkdir -p /dev/pts /dev/shm /run/lock /run/dbus /run/orch
mounted /dev/pts || mount -t devpts -o mode=620,gid=5 devpts /dev/pts
mounted /dev/shm || mount -t tmpfs -o nosuid,nodev,mode=1777 shm /dev/shm

cat >/run/orch/off <<'END'
sync
for what in s u o; do
	echo $what >/proc/sysrq-trigger
	sleep 1
done
END
fail() {
	echo "orch: $*"
	sh /run/orch/off
	sleep 60
}

# In the place of udev.
link() {
	mkdir -p "${1%/*}"
	ln -sfn "$2" "$1"
}
while read -r _ _ n _ p _; do [ "$p" = / ] && root=$n; done </proc/self/mountinfo
disk=$(readlink -f "/sys/dev/block/$root/..")
[ -z "$disk_path" ] || link "$disk_path" "/dev/${disk##*/}"
for partition in "$disk"/*/partition; do
	[ -e "$partition" ] || fail "the root slot is not a partition: $disk"
	partition=${partition%/partition}
	name=$(sed -n 's/^PARTNAME=//p' "$partition/uevent")
	[ -z "$name" ] || link "$before$name$after" "/dev/${partition##*/}"
done
modprobe -q -a loop dm_mod dm_verity squashfs nbd virtio_net usbnet
ip link set lo up
# What DHCP would say: QEMU always gives the same.
for net in /sys/class/net/*; do
	net=${net##*/}
	[ -e "/sys/class/net/$net/device" ] || continue
	ip link set "$net" up
	ip address add 10.0.2.15/24 dev "$net"
	ip route add default via 10.0.2.2
	break
done
mount -a
# What systemd does with a system that has no id yet.
if ! grep -qxE '[0-9a-f]{32}' /etc/machine-id; then
	tr -d - </proc/sys/kernel/random/uuid >/run/orch/machine-id
	mount --bind /run/orch/machine-id /etc/machine-id
fi
if [ "$prepare" ]; then
	printf '%s\n' "$prepare" >/run/orch/prepare
	/bin/sh -e /run/orch/prepare || fail "'prepare' of the board ended with $?"
fi

dbus-daemon --system --fork --nopidfile --nosyslog || fail "dbus-daemon does not start"
# As the unit says, and where that says nothing, as Debian's does.
unit=/usr/lib/systemd/system/rauc.service
[ ! -f /etc/systemd/system/rauc.service ] || unit=/etc/systemd/system/rauc.service
sed -n 's/^ExecStart=[-@:+!]*//p' "$unit" 2>/dev/null | tail -n 1 >/run/orch/service
[ -s /run/orch/service ] || echo rauc --mount=/run/rauc/mnt service >/run/orch/service
sed -n 's,^RuntimeDirectory=,/run/,p' "$unit" 2>/dev/null | xargs mkdir -p /run/rauc/mnt
cat >/run/orch/restart-rauc <<'END'
read -r service </run/orch/service
if [ -e /run/orch/rauc.pid ]; then
	read -r pid </run/orch/rauc.pid
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
fi
$service </dev/null >/dev/console 2>&1 &
pid=$!
echo $pid >/run/orch/rauc.pid
until dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner \
	string:de.pengutronix.rauc >/dev/null 2>&1; do
	kill -0 "$pid" || exit 1
	sleep 0.1
done
END
sh /run/orch/restart-rauc || fail "rauc's service does not start"
