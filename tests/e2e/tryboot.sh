#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# packages
# A Raspberry Pi 5 as 'orch init --template ab-tryboot' makes it. Nothing emulates one, so this is what can be
# seen without: what other programs find on its card, and what RAUC's backend leaves of autoboot.txt in
# each state of the device, whenever the power fails in it.
. tests/e2e/lib.sh
tree=$PWD
p=$scratch/p
code made 0 "$orch" init --template ab-tryboot --name pi --compatible acme-pi5 "$p"
code keys 0 "$orch" -C "$p" pki init
"$orch" -C "$p" check >"$scratch/out" 2>&1
same only-locks-are-missing '' "$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^note|\[unlocked-package\]$|\[untested-bundle\]$')"
code first-partition 0 "$orch" -C "$p" build autoboot
new=$p/out/autoboot/autoboot.img

# ---- the backend, as a program ----
w=$scratch/w
mkdir -p "$w/run" "$w/proc/device-tree/chosen/bootloader" "$w/bin"
sed -e "s,/dev/system/autoboot,$w/part,; s,=/run/,=$w/run/,; s,/run/tryboot,$w/run/tryboot,; s,/proc/,$w/proc/,g" \
	-e 's/{{install#boot-a.number}}/2/; s/{{install#boot-b.number}}/3/' "$p/rootfs/usr/lib/pi/tryboot" >"$w/tryboot"
sed -i "s,$w$w,$w,g" "$w/tryboot"
chmod +x "$w/tryboot"
cp "$new" "$w/autoboot.img"

# loader FILE [tryboot]: the partition that the loader starts, by its documentation and mtools.
loader() {
	mtype -i "$1" ::/autoboot.txt 2>/dev/null | awk -v try="${2:-}" '
		/^\[/ { on = $0 == "[all]" || ($0 == "[tryboot]" && try) }
		on && /^boot_partition=/ { number = substr($0, 16) }
		/^tryboot_a_b=1$/ { whole = on }
		END { print whole && number ? number : "none" }'
}
slots() { printf '%s%s\n' "$(loader "$w/part")" "$(loader "$w/part" tryboot)" | tr 23 AB; }

# device STATE RUNNING PENDING: a card with that default and that slot to try, that slot running, and a
# try asked for (-: none).
device() {
	cp "$new" "$w/part"
	rm -rf "$w/run"
	mkdir -p "$w/run/systemd"
	offset=$(LC_ALL=C grep -obUaF '[all]' "$w/part" | cut -d: -f1)
	printf '%s' "$(echo "$1" | cut -c1 | tr AB 23)" | dd of="$w/part" bs=1 seek=$((offset + 35)) conv=notrunc status=none
	printf '%s' "$(echo "$1" | cut -c2 | tr AB 23)" | dd of="$w/part" bs=1 seek=$((offset + 62)) conv=notrunc status=none
	echo "console=x rauc.slot=$2 panic=5" >"$w/proc/cmdline"
	printf '\000\000\000%b' "\\00$(echo "$2" | tr AB 23)" >"$w/proc/device-tree/chosen/bootloader/partition"
	echo '0000000000000000 t rpi_firmware_notify_reboot' >"$w/proc/kallsyms"
	if [ "$3" != - ]; then
		echo "$3" >"$w/run/tryboot"
		echo '0 tryboot' >"$w/run/systemd/reboot-param"
	fi
}
backend() { "$w/tryboot" "$@" >"$w/said" 2>"$w/err"; }
pending() {
	cat "$w/run/tryboot" 2>/dev/null || { [ -e "$w/run/systemd/reboot-param" ] && echo argument || echo -; }
}

# torn: of the bytes that differ between before and part, each is written or not; what the loader then
# starts, all of it. More than two bytes, or in two sectors: no word of it.
torn() {
	cmp -l "$w/before" "$w/part" >"$w/bytes"
	# shellcheck disable=SC2046 # numbers
	set -- $(awk '{ print $1 - 1 }' "$w/bytes")
	[ $# -le 2 ] || { echo "$# bytes"; return; }
	[ $# -lt 2 ] || [ $(($1 / 512)) = $(($2 / 512)) ] || { echo "two sectors"; return; }
	for mask in 0 1 2 3; do
		[ $((mask >> $#)) = 0 ] || break
		cp "$w/before" "$w/mixed"
		bit=1
		for at; do
			[ $((mask & bit)) = 0 ] || dd if="$w/part" of="$w/mixed" bs=1 skip="$at" seek="$at" count=1 conv=notrunc status=none
			bit=$((bit * 2))
		done
		loader "$w/mixed"
	done | sort -u | tr 23 AB | tr -d '\n'
}

check as-a-new-card-has-it cmp "$new" "$w/autoboot.img"
cp "$new" "$w/part"
same new-card-starts-a AB "$(slots)"

# state, running, pending: what is asked: exit, state, pending, answer; what a cut in it can start by itself
bad=
rows=0
while read -r state running pend words exit after pend_after answer starts; do
	device "$state" "$running" "$pend"
	cp "$w/part" "$w/before"
	got=0
	# shellcheck disable=SC2046,SC2086 # words
	backend $(echo "$words" | tr _ ' ') || got=$?
	said=$(cat "$w/said")
	row="$got $(slots) $(pending) ${said:--} $(torn)"
	fsck.vfat -n "$w/part" >"$w/fsck" 2>&1 || row="$row, $(cat "$w/fsck")"
	[ "$row" = "$exit $after $pend_after $answer $starts" ] ||
		bad="$bad$state $running $pend $words: $row, not $exit $after $pend_after $answer $starts: $(cat "$w/err")
"
	rows=$((rows + 1))
done <<'END'
AB A - get-primary 0 AB - A A
AB A B get-primary 0 AB B B A
AA A - get-primary 0 AA - A A
BA B - get-primary 0 BA - B B
AB A - get-state_A 0 AB - good A
AB A - get-state_B 0 AB - good A
AA A - get-state_B 0 AA - bad A
BB B - get-state_A 0 BB - bad B
AB A - set-state_B_bad 0 AA - - A
AB A B set-state_B_bad 0 AA - - A
AA A - set-state_B_bad 0 AA - - A
BA B - set-state_A_bad 0 BB - - B
AA A - set-primary_B 0 AB B - A
AB A - set-primary_B 0 AB B - A
AB A B set-primary_A 0 AB - - A
BB B - set-primary_A 0 BA A - B
AB B - set-state_B_good 0 BA - - AB
AA B - set-state_B_good 0 BA - - AB
AB B B set-state_B_good 0 BA - - AB
BA A - set-state_A_good 0 AB - - AB
AB A - set-state_A_good 0 AB - - A
AB A B set-state_A_good 0 AB B - A
AA A - set-state_B_good 0 AB - - A
AB A - set-state_A_bad 0 AB B - A
AA A - set-state_A_bad 1 AA - - A
AB B - set-state_A_bad 1 AB - - A
AB B - set-state_B_bad 0 AA - - A
AB A - get-current 0 AB - A A
AB B - get-current 0 AB - B A
AB A - set-primary_C 1 AB - - A
AB A - get-state_C 1 AB - - A
AB A - set-state_C_good 1 AB - - A
AB A - get-state 2 AB - - A
AB A - get-state_A_B 2 AB - - A
AB A - get-primary_A 2 AB - - A
AB A - set-primary 2 AB - - A
AB A - set-state_A 2 AB - - A
AB A - set-state_A_maybe 2 AB - - A
AB A - get-other 2 AB - - A
END
same "all-$rows-requests" '' "$bad"
device AB A -
code without-a-word 2 "$w/tryboot"
same tells-its-words 6 "$(grep -c '^tryboot ' "$scratch/err")"

# Debian's kernel would start the old slot again, and nobody would know why.
device AA A -
echo '0000000000000000 t rpi_firmware_get' >"$w/proc/kallsyms"
code other-kernel 1 "$w/tryboot" set-primary B
same asks-for-no-try 'AA -' "$(slots) $(pending)"
# A loader too old for [boot_partition=] takes one slot's arguments for the other's kernel.
device AB B -
printf '\000\000\000\002' >"$w/proc/device-tree/chosen/bootloader/partition"
code wrong-arguments 1 "$w/tryboot" get-current
code not-marked-good 1 "$w/tryboot" set-state B good
same default-stays AB "$(slots)"
# A loader that says nothing of it is believed.
rm "$w/proc/device-tree/chosen/bootloader/partition"
code no-word-of-it 0 "$w/tryboot" set-state B good

# A card that does not keep what it is told is found out.
printf '#!/bin/sh\ncase "$*" in *of=%s*) cat >/dev/null ;; *) exec /usr/bin/dd "$@" ;; esac\n' "$w/part" >"$w/bin/dd"
chmod +x "$w/bin/dd"
device AB B -
code card-keeps-nothing 1 env PATH="$w/bin:$PATH" "$w/tryboot" set-state B good
check says-so grep -q 'reads differently' "$scratch/err"

# The power fails before the Nth write, or in its middle: what was asked for in memory is gone, too.
cat >"$w/bin/dd" <<END
#!/bin/sh
case "\$*" in
*of=$w/part*)
	echo >>$w/count
	if [ "\$(wc -l <$w/count)" -ge "\$CUT" ]; then
		[ "\$MIDDLE" = no ] || /usr/bin/dd "\$@" status=none
		truncate -s \$(stat -c %s $new) $w/part
		exit 1
	fi
	;;
esac
exec /usr/bin/dd "\$@"
END
# power_cut N yes|no WORD...: yes: after that write
power_cut() {
	rm -f "$w/count"
	CUT=$1 MIDDLE=$2
	export CUT MIDDLE
	shift 2
	(PATH="$w/bin:$PATH" && backend "$@")
	cut_code=$?
	rm -f "$w/run/tryboot"* "$w/run/systemd"/*
	return $cut_code
}
found=
for n in 1 2; do
	for middle in no yes; do
		device AB B -
		power_cut $n $middle set-state B good && found="$found not cut"
		found="$found $(slots)"
		backend set-state B good # the next boot of B; one of A has nothing to do
		[ "$(slots)" = BA ] || found="$found, then $(slots)"
	done
done
same cuts-in-a-mark ' AB BA BA BA' "$found"
found=
for n in 1 2; do
	for middle in no yes; do
		device BA B -
		power_cut $n $middle set-state A bad && found="$found not cut"
		found="$found $(slots)"
	done
done
same cuts-before-an-update ' BA BB BB BB' "$found"
found=
for n in 1 2; do
	for middle in no yes; do
		device AA A -
		power_cut $n $middle set-primary B && found="$found not cut"
		found="$found $(slots)$(pending)"
	done
done
same cuts-after-an-update ' AA- AB- AB- AB-' "$found"

# A first partition that is damaged, or was edited elsewhere: the loader starts the first partition that it
# can; nothing but a slot that has proven itself changes that, and only to itself.
for damage in sector table edited longer; do
	device AB A -
	case $damage in
	sector) dd if=/dev/urandom of="$w/part" bs=512 seek=$((offset / 512)) count=1 conv=notrunc status=none ;;
	table) dd if=/dev/zero of="$w/part" bs=512 count=1 conv=notrunc status=none ;;
	edited) printf '#' | dd of="$w/part" bs=1 seek="$offset" conv=notrunc status=none ;;
	longer) mtype -i "$w/part" ::/autoboot.txt >"$w/text" && echo '# mine' >>"$w/text" && mcopy -o -i "$w/part" "$w/text" ::/autoboot.txt ;;
	esac
	cp "$w/part" "$w/damaged"
	for words in 'get-primary' 'set-primary B' 'get-state B' 'set-state B bad' 'set-state B good'; do
		# shellcheck disable=SC2046,SC2086 # words
		code "$damage-refuses-$(echo "$words" | tr ' ' -)" 1 "$w/tryboot" $words
	done
	check "$damage-is-left-alone" cmp "$w/part" "$w/damaged"
	code "$damage-is-mended" 0 "$w/tryboot" set-state A good
	same "$damage-gone" 'AA 0' "$(slots) $(fsck.vfat -n "$w/part" >/dev/null; echo $?)"
	code "$damage-then-updates" 0 "$w/tryboot" set-primary B
	case $damage in sector | edited) continue ;; esac
	found=
	for n in 1 2 3; do
		for middle in no yes; do
			cp "$w/damaged" "$w/part"
			power_cut $n $middle set-state A good && found="$found not cut"
			[ "$n$middle" = 1no ] || found="$found $(slots)"
			backend set-state A good
			[ "$(slots)" = AA ] || found="$found, then $(slots)"
		done
	done
	same "$damage-cuts" ' nonenone nonenone nonenone nonenone AA' "$found"
done

# ---- the same by a real RAUC ----
truncate -s 1M "$w/root-a" "$w/root-b" "$w/boot-a" "$w/boot-b"
cat >"$w/system.conf" <<END
[system]
compatible=acme-pi5
bootloader=custom
statusfile=$w/status
[keyring]
path=$p/pki/keyring.pem
[handlers]
bootloader-custom-backend=$w/tryboot
END
for n in 0 1; do
	ab=$(echo $n | tr 01 ab)
	printf '[slot.rootfs.%s]\ndevice=%s\ntype=raw\nbootname=%s\n' $n "$w/root-$ab" "$(echo "$ab" | tr ab AB)"
	printf '[slot.boot.%s]\ndevice=%s\ntype=raw\nparent=rootfs.%s\n' $n "$w/boot-$ab" $n
done >>"$w/system.conf"
cat >"$w/session" <<'END'
export DBUS_STARTER_BUS_TYPE=session
rauc -c "$1/system.conf" "--override-boot-slot=$2" service >>"$1/service.log" 2>&1 &
for try in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.5
	! rauc status >/dev/null 2>&1 || break
done
slot=$2 w=$1
shift 2
for words; do rauc status $words >>"$w/service.log" 2>&1 || echo "$words: exit $?"; done
rauc status --output-format=json
kill $!
END
rauc_as() { dbus-run-session -- sh "$w/session" "$w" "$@" >"$w/rauc.json" 2>"$w/rauc.err" || cat "$w/rauc.err"; }
told() {
	jq -r '[.booted, .boot_primary] + [.slots[] | to_entries[] | select(.value.bootname) | .value.bootname + " " + .value.boot_status] | join(" ")' "$w/rauc.json" 2>&1
}
device AA A -
rauc_as A
same rauc-asks 'A rootfs.0 A good B bad' "$(told | tr '\n' ' ' | sed 's/ $//' | awk '{ if ($3 == "B") print $1, $2, $5, $6, $3, $4; else print }')"
rauc_as A 'mark-active other'
same rauc-tries 'AB B rootfs.1' "$(slots) $(pending) $(jq -r .boot_primary "$w/rauc.json")"
device AB B - # which the loader starts once
rauc_as B 'mark-good booted'
same rauc-marks 'BA rootfs.1' "$(slots) $(jq -r .boot_primary "$w/rauc.json")"
rauc_as B 'mark-bad other'
same rauc-gives-up 'BB -' "$(slots) $(pending)"

# ---- the card, of real packages ----
# The kernel is Debian's here: one that no such board would start, but a real one, in the places where
# Raspberry Pi's is.
for node in minimal platform platform-kernel base toolchain; do
	cp "$tree/recipes/$node.yaml" "$tree/recipes/$node.lock" "$p/recipes/"
done
sed -i '/raspberrypi:/d; s/updates\]}/updates], components: [main, non-free-firmware]}/; s/security\]}/security], components: [main, non-free-firmware]}/' \
	"$p/recipes/project.yaml"
sed -i 's/^root: .*/root: toolchain/; /^emulator:/d; /^inputs:/,$d' "$p/recipes/kernel.yaml"
cat >>"$p/recipes/kernel.yaml" <<'END'
inputs: [platform-kernel]
run:
  - |
    tar -xf platform-kernel --wildcards --no-anchored 'boot/vmlinuz-*' '*/broadcom/bcm2712*.dtb'
    mv boot/vmlinuz-* vmlinuz
    echo stand-in >initrd.img
    tar -C usr/lib/linux-image-*/broadcom -cf device-trees.tar .
outputs: [vmlinuz, initrd.img, device-trees.tar]
END
rm "$p/recipes/emulator.yaml"
code builds 0 "$orch" -C "$p" build bundle install
card=$p/out/install/install.img
check table-is-whole sfdisk --verify "$card"
sfdisk -d "$card" >"$w/table"
same partitions "1 e
2 c
3 c
4 f
5 83
6 83
7 83" "$(sed -n 's/^[^ ]*img\([0-9]\) : .*type=\([0-9a-f]*\).*/\1 \2/p' "$w/table")"
# part N FILE: the partition
part() {
	line=$(grep "img$1 :" "$w/table")
	at=$(echo "$line" | sed 's/.*start= *\([0-9]*\).*/\1/')
	size=$(echo "$line" | sed 's/.*size= *\([0-9]*\).*/\1/')
	dd if="$card" of="$2" bs=512 skip="$at" count="$size" conv=sparse status=none
}
for n in 1 2 3 5; do part $n "$w/p$n"; done
for n in 1 2 3; do check "fat-$n-is-whole" fsck.vfat -n "$w/p$n"; done
check root-is-whole e2fsck -fn "$w/p5"
check boots-are-equal cmp "$w/p2" "$w/p3"
check first-is-what-was-tried cmp "$w/p1" "$new"
same nothing-starts-from-the-first ::/autoboot.txt "$(mdir -b -i "$w/p1" ::)"
for file in config.txt cmdline-a.txt cmdline-b.txt vmlinuz initrd.img bcm2712-rpi-5-b.dtb; do
	check "has-$file" sh -c "mcopy -n -i '$w/p2' ::/$file '$w/' && [ -s '$w/$file' ]"
done
same is-a-kernel ARMd "$(dd if="$w/vmlinuz" bs=1 skip=56 count=4 status=none)"
check is-the-boards-tree sh -c "fdtget '$w/bcm2712-rpi-5-b.dtb' / compatible | grep -q brcm,bcm2712"
id=$(sed -n 's/^label-id: 0x//p' "$w/table")
for slot in A B; do
	file=cmdline-$(echo $slot | tr AB ab).txt
	same "root-of-$slot" "root=PARTUUID=$id-0$(echo $slot | tr AB 56) rauc.slot=$slot" "$(grep -o -E '(root|rauc\.slot)=[^ ]*' "$w/$file" | paste -sd' ')"
	same "arguments-of-$slot" "cmdline=$file" "$(grep -A 1 -x -F "[boot_partition=$(echo $slot | tr AB 23)]" "$w/config.txt" | tail -n 1)"
done
in_root() { debugfs -R "cat $1" "$w/p5" 2>/dev/null; }
in_root /usr/lib/pi/tryboot >"$w/installed"
same asks-of-these-partitions '"2" "3"' "$(sed -n 's/^	[AB]) echo \("[0-9]*"\) .*/\1/p' "$w/installed" | paste -sd' ')"
check may-be-run sh -c "debugfs -R 'stat /usr/lib/pi/tryboot' '$w/p5' 2>/dev/null | grep -q 'Mode:  0755'"
in_root /usr/lib/pi/autoboot.img >"$w/spare"
check spare-is-the-same cmp "$w/spare" "$new"
same rauc-is-told 'bootloader=custom
bootloader-custom-backend=/usr/lib/pi/tryboot' "$(in_root /etc/rauc/system.conf | grep ^bootloader)"
same slots-are-there '/dev/system/boot-a vfat rootfs.0 /dev/system/boot-b vfat rootfs.1 /dev/system/root-a ext4 A /dev/system/root-b ext4 B' \
	"$(in_root /etc/rauc/system.conf | sed -n 's/^\(device\|type\|parent\|bootname\)=//p' | paste -d' ' - - - | sort | paste -sd' ')"
same names-by-number '1 autoboot 2 boot-a 3 boot-b 5 root-a 6 root-b 7 data' \
	"$(in_root /etc/udev/rules.d/90-system-disk.rules | sed -n 's,.*PARTN}=="\([0-9]*\)".*system/\(.*\)".*,\1 \2,p' | paste -sd' ')"
check bundle-has-both sh -c "rauc info --keyring='$p/pki/keyring.pem' --output-format=json '$p/out/bundle/bundle.raucb' 2>/dev/null | jq -e '[.images[] | keys[]] | sort == [\"boot\", \"rootfs\"]'"
"$orch" -C "$p" check >"$scratch/out" 2>&1
same nothing-is-wrong '' "$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^note|\[untested-bundle\]$')"
# A scenario about slots is refused: nothing can read this choice.
printf 'kind: test\nboard: board\ncard: install\nsteps: [{power: "on"}, {slot: A}]\n' >"$p/recipes/choice.yaml"
printf 'kind: board\nmachine: rauc\narch: arm64\nkernel: "kernel:vmlinuz"\ninitramfs: "kernel:initrd.img"\n' >"$p/recipes/board.yaml"
code no-scenario-about-slots 2 "$orch" -C "$p" plan choice
check says-why grep -q "boot loader 'custom'" "$scratch/err"
finish
