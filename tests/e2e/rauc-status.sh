#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The device tells RAUC what its boot partition holds (rootfs/usr/lib/edge-device/note-bootloader): a real
# RAUC reads it back, whatever the status file was before.
. tests/e2e/lib.sh

mkdir "$scratch/bin"
printf '#!/bin/sh\nstat -c %%s "$2"\n' >"$scratch/bin/blockdev" # the partition is a file here
chmod +x "$scratch/bin/blockdev"
sed "s,/data/rauc,$scratch,; s,/dev/system/boot,$scratch/boot.img," \
	rootfs/usr/lib/edge-device/note-bootloader >"$scratch/note"
cat >"$scratch/system.conf" <<END
[system]
compatible=x
bootloader=noop
statusfile=$scratch/status
[keyring]
path=/dev/null
[slot.bootloader.0]
device=$scratch/boot.img
type=raw
[slot.rootfs.0]
device=$scratch/root.img
type=raw
bootname=A
END
cat >"$scratch/ask" <<END
export DBUS_STARTER_BUS_TYPE=session
rauc -c $scratch/system.conf --override-boot-slot=A service >$scratch/service.log 2>&1 &
for try in 1 2 3 4 5 6 7 8 9 10; do
	sleep 1
	rauc status --detailed --output-format=json 2>$scratch/ask.log && break
done
kill \$!
END
note() { (PATH="$scratch/bin:$PATH" && sh "$scratch/note"); }
# told SLOT: the digest that RAUC has for it
told() {
	dbus-run-session -- sh "$scratch/ask" | jq -r --arg slot "$1" \
		'.slots[] | .[$slot] // empty | .slot_status.checksum.sha256'
}

truncate -s 64K "$scratch/boot.img"
echo one >>"$scratch/boot.img"
one=$(sha256sum <"$scratch/boot.img" | cut -d' ' -f1)
check no-status-yet note
same rauc-knows "$one" "$(told bootloader.0)"
cp "$scratch/status" "$scratch/before"
check again note
check nothing-is-written-twice cmp "$scratch/status" "$scratch/before"

cat >"$scratch/status" <<END
[slot.bootloader.0]
bundle.version=1
status=ok
sha256=0000
size=4

[slot.rootfs.0]
status=ok
sha256=1111
size=4
END
check another-digest note
same what-is-there-counts "$one" "$(told bootloader.0)"
same other-slots-stay 1111 "$(told rootfs.0)"
echo two >>"$scratch/boot.img"
check another-image note
same the-last-one-counts "$(sha256sum <"$scratch/boot.img" | cut -d' ' -f1)" "$(told bootloader.0)"

# After a power cut, or worse.
printf '[slot.rootfs.0]\nsha256=1111\nsize=4\n[slot.bootloader.0]\nsha256=00' >"$scratch/status"
check cut-in-a-line note
same cut-in-a-line-counts "$(sha256sum <"$scratch/boot.img" | cut -d' ' -f1)" "$(told bootloader.0)"
printf '\000\000\000' >"$scratch/status"
check zeros note
printf 'not a key file\n' >"$scratch/status"
check garbage note
same of-garbage-rauc-takes-nothing null "$(told bootloader.0)" # and an update writes the partition
finish
