#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The install image of the reference project on an emulated board: a larger card, U-Boot configured
# like the product's, first boot and second boot, seen through the console and the card.
#
# As a test it builds what it needs. To look at other files, from the project's root:
#   BOARD_IMAGE=out/install/install.img BOARD_UBOOT=out/tests/u-boot-virt/u-boot.bin \
#     BOARD_LOG=/tmp/console.log sh tests/e2e/board-boot.sh
# timeout: 14400
. tests/e2e/lib.sh
limit=${BOARD_LIMIT:-900} # seconds a boot may take, emulated and on a busy machine

if [ -z "${BOARD_IMAGE:-}" ]; then
	[ -f pki/private/signer.key ] || "$ORCH" pki init >/dev/null
	code "the install image and the board's U-Boot are built" 0 "$ORCH" build install tests/u-boot-virt
	[ "$failures" = 0 ] || finish
	BOARD_IMAGE=out/install/install.img
	BOARD_UBOOT=out/tests/u-boot-virt/u-boot.bin
fi
card=$scratch/card.img
log=${BOARD_LOG:-$scratch/console.log}
board=
PATH=$PATH:/usr/sbin:/sbin

# A card of 4 GiB: cards are larger than the image, and emulated ones a power of two.
new_card() {
	cp --sparse=always "$BOARD_IMAGE" "$card" && chmod u+w "$card" && truncate -s 4G "$card"
}

# Switches the board on; the card is its only disk.
power_on() {
	: >"$log"
	qemu-system-aarch64 -nodefaults -display none -monitor none -serial "file:$log" \
		-accel tcg,thread=multi,tb-size=512 -M virt -cpu cortex-a57 -smp 2 -m 1G \
		-bios "$BOARD_UBOOT" -nic user,model=virtio-net-pci \
		-device sdhci-pci -drive "if=none,id=card0,format=raw,cache=unsafe,file=$card" \
		-device sd-card,drive=card0 </dev/null >"$scratch/qemu.out" 2>&1 &
	board=$!
}

power_off() {
	[ -n "$board" ] || return 0
	kill -9 "$board" 2>/dev/null
	wait "$board" 2>/dev/null
	board=
}
trap 'power_off; rm -rf "$scratch"' EXIT

# await PATTERN: until the console shows it; not later than the limit, nor after a second start.
await() {
	waited=0
	until grep -aqE "$1" "$log"; do
		if [ "$waited" -ge "$limit" ] || ! kill -0 "$board" 2>/dev/null ||
			[ "$(grep -ac 'BOOT: ' "$log")" -gt 1 ]; then
			cat "$scratch/qemu.out"
			tail -n 40 "$log"
			return 1
		fi
		sleep 1
		waited=$((waited + 1))
	done
}

# variable NAME: from the newer valid copy of U-Boot's environment on the card; "no environment".
variable() {
	python3 - "$card" "$1" <<'END'
import sys, zlib
best = None
with open(sys.argv[1], 'rb') as card:
    for offset in 0x100000, 0x200000:
        card.seek(offset)
        copy = card.read(0x8000)
        if zlib.crc32(copy[5:]) != int.from_bytes(copy[:4], 'little'):
            continue
        if best is None or (copy[4] - best[4]) % 256 < 128:
            best = copy
if best is None:
    sys.exit('no environment')
for line in best[5:].split(b'\0\0')[0].split(b'\0'):
    name, _, value = line.decode().partition('=')
    if name == sys.argv[2]:
        print(value)
END
}

# partition N FIELD: start or size in 512-byte blocks, from the card's table.
partition() {
	sfdisk --json "$card" 2>/dev/null | jq -r ".partitiontable.partitions[$1 - 1].$2"
}

# unchanged FROM SIZE: the card is what the image is there, both in MiB.
unchanged() {
	cmp -n "$(($2 << 20))" -i "$(($1 << 20))" "$BOARD_IMAGE" "$card"
}

# One boot of slot A from power-on to the mark.
boot_slot_a() {
	power_on
	check "$1: U-Boot chooses slot A and counts the try" \
		await 'BOOT: slot A order <A B> left A=2 B=3'
	check "$1: the application is up" await 'edge-app .*: slot A: up'
	check "$1: app.target is reached" await 'Reached target .*app\.target'
	check "$1: the slot is marked good" await 'marked slot rootfs\.0 as good'
	check "$1: the system is up" await 'Reached target .*multi-user\.target'
	sleep 2
	power_off
	check "$1: no login on the console" sh -c '! grep -aqE "login:|U-Boot>|=> " "$1"' sh "$log"
	check "$1: no unit failed" sh -c '! grep -aE "FAILED" "$1"' sh "$log"
	same "$1: the try is given back" 3 "$(variable BOOT_A_LEFT)"
	same "$1: the order of the slots stays" "A B" "$(variable BOOT_ORDER)"
}

check "a card of 4 GiB is written" new_card
root_start=$(partition 2 start) root_size=$(partition 2 size)
boot_slot_a "first boot"

check "the partition table is valid, its backup at the end of the card" \
	sh -c 'sfdisk --verify "$1" 2>&1 | tee /dev/stderr | grep -q "No errors"' sh "$card"
last=$(($(partition 4 start) + $(partition 4 size)))
check "the data partition fills the card" test "$last" -gt $(((4 << 21) - 4096))
check "the boot region is as it was" unchanged 4 128
check "the root slot is as it was" unchanged $((root_start / 2048)) $((root_size / 2048))

# The power was cut above, without a word to the system.
boot_slot_a "second boot"
finish
