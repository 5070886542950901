#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a test node does and says, with a card on which there is a boot script and nothing to boot:
# passing, and every way a scenario can fail.
. tests/e2e/lib.sh
. tests/e2e/scenario-lib.sh

[ -f pki/private/signer.key ] || "$ORCH" pki init >/dev/null
code "U-Boot is built" 0 "$ORCH" build tests/u-boot-virt boot-script
[ "$failures" = 0 ] || finish
p=$scratch/p
mkdir -p "$p/recipes" "$p/files"
cp out/boot-script/boot.scr "$p/files/"
cp out/tests/u-boot-virt/u-boot.bin "$p/"
export ORCH_STORE="$scratch/store"

printf 'schema: 1\nname: scenarios\nversion: "1"\ntimes: 1735689600\n' >"$p/recipes/project.yaml"
cat >"$p/recipes/virt.yaml" <<'END'
kind: board
machine: virt
cpu: cortex-a57
memory: 256M
firmware: u-boot.bin
watchdog: i6300esb
END
cat >"$p/recipes/boot.yaml" <<'END'
kind: image
filesystem: vfat
size: 8M
contents: [{copy: files, to: /}]
END
cat >"$p/recipes/root.yaml" <<'END'
kind: image
filesystem: ext4
size: 8M
contents: [{copy: files, to: /}]
END
cat >"$p/recipes/card.yaml" <<'END'
kind: disk
reserved:
  - {name: uboot-env, at: 1M, size: 32K}
  - {name: uboot-env-redundant, at: 2M, size: 32K}
partitions:
  - {name: boot, type: esp, from: boot, region: 2x}
  - {name: root-a, type: root-arm64, from: root}
  - {name: root-b, type: root-arm64, from: root}
END
cat >"$p/recipes/device.yaml" <<'END'
kind: device
disk: card
compatible: test
bootloader:
  type: uboot
  environment: [uboot-env, uboot-env-redundant]
  tries: 3
  chosen: 'BOOT: slot ([^ ]+) order'
slots:
  bootloader: {partitions: [boot], type: boot-gpt-switch}
  rootfs: {boot: {A: root-a, B: root-b}}
END

scenario_timeout=900
scenario pass virt 'never: ["U-Boot>", "=> "]' 'keep-card: true' <<'END'
  - {environment: {BOOT_ORDER: ""}, copies: none}
  - {power: "on"}
  - {slot: A, tries: {A: "2", B: "3"}, within: 120}
  - {wait: "slot A did not start", within: 120}
  - {slot: A, tries: {A: "1"}, within: 120}
  - {refuse: "slot B"}
  - {cut: "slot A did not start", after: "0.1", within: 120}
  - {environment: {BOOT_ORDER: A B, BOOT_A_LEFT: "1"}}
  - {same: {partition: root-a, as: root}}
  - {same: {at: 4M, size: 16M, as: start}}
  - {set-environment: {BOOT_ORDER: B A, BOOT_B_LEFT: "1"}}
  - {damage: {at: 1M, size: 32K, with: random}}
  - {name: the other copy counts, power: "on"}
  - {slot: B, tries: {A: "1", B: "0"}, within: 120}
  - {power: cut}
END
code "a scenario passes" 0 "$ORCH" -C "$p" build pass
check "its verdict says so" jq -e '.pass and .scenario == "pass" and (.steps | length) == 15' \
	"$p/out/pass/verdict.json"
lacks "the verdict has no times" time "$p/out/pass/verdict.json"
same "the report has a case per step" 15 "$(grep -c '<testcase' "$p/out/pass/junit.xml")"
check "the console is kept with times" grep -qE '^\[ *[0-9]+\.[0-9]{3}\] BOOT: slot A' \
	"$p/out/pass/console.log"
same "the card is kept" $((64 << 20)) "$(stat -c %s "$p/out/pass/card.img")"
code "a verdict is cached" 0 "$ORCH" -C "$p" build pass
check "nothing runs again" grep -q 'built 0' "$scratch/err"

scenario again virt <<'END'
  - {environment: {BOOT_ORDER: B A, BOOT_B_LEFT: "0"}}
  - {power: "on"}
  - {slot: A, tries: {A: "0", B: "0"}, within: 120}
END
sed -i 's/^card: .*/card: "pass:card.img"/' "$p/recipes/again.yaml"
code "another scenario goes on with the card" 0 "$ORCH" -C "$p" build again

scenario served virt <<'END'
  - {serve: files/boot.scr, as: /a}
  - {power: "on"}
  - {slot: A, within: 120}
  - {fetched: /a, requests: "0", at-most: "0"}
  - {power: cut}
END
code "a board may fetch, and does not" 0 "$ORCH" -C "$p" build served

scenario choice virt <<'END'
  - boot-choice: all
END
code "the boot script chooses as RAUC does in every state" 0 "$ORCH" -C "$p" build choice
check "125 of them" grep -q '125 states, each chosen as RAUC does' "$p/out/choice/console.log"

scenario wrong-slot virt <<'END'
  - {power: "on"}
  - {slot: B, within: 120}
END
fails wrong-slot 1 \
	"recipes/wrong-slot.yaml:8: step 2 of 2 (slot B): the boot loader chose slot A, not B (order <A B>, left A=2 B=3)"
check "the console's last line is told" grep -qF "the console's last line: 'BOOT: slot A" "$scratch/err"
check "evidence is kept" test -f "$ORCH_STORE"/failed/wrong-slot.*/out/console.log
check "and the card" test -f "$ORCH_STORE"/failed/wrong-slot.*/work/card.img
check "the failed verdict says so" jq -e '.pass == false and .failed_step == 2' \
	"$ORCH_STORE"/failed/wrong-slot.*/out/verdict.json
check "the failed report, too" grep -q '<failure message=' "$ORCH_STORE"/failed/wrong-slot.*/out/junit.xml
scenario not-fetched virt <<'END'
  - {serve: files/boot.scr, as: /a}
  - {power: "on"}
  - {fetched: /a, at-least: "1", within: 3}
END
fails not-fetched 1 "step 3 of 3 (fetched /a): the board has made 0 requests of '/a' and got 0 bytes"
scenario wrong-tries virt <<'END'
  - {power: "on"}
  - {slot: A, tries: {A: "3"}, within: 120}
END
fails wrong-tries 1 "slot A has not 3 tries left (order <A B>, left A=2 B=3)"
scenario wrong-line virt <<END
  - {power: "on"}
  - {wait: DRAM, within: 120}
$(for i in $(seq 20); do echo '  - {refuse: "no such line"}'; done)
  - {wait: "no such line", within: 3}
END
code wrong-line 1 "$ORCH" -C "$p" build wrong-line --events "$scratch/events"
check "its place and deadline are told" grep -qF \
	"step 23 of 23 (wait no such line): no line like 'no such line' within 3 s" "$scratch/err"
same "what it waits for was shown, whatever went fast before" "step 23 of 23: wait no such line" \
	"$(jq -r 'select(.event == "node_progress" and .node == "wrong-line").text' "$scratch/events" | tail -n 1)"
scenario too-early virt <<'END'
  - {power: "on"}
  - {wait: "BOOT: slot", within: 120}
  - {refuse: "BOOT: slot [AB]", for: 1}
END
fails too-early 1 "the console shows it after"
scenario forbidden virt 'never: ["did not start"]' <<'END'
  - {power: "on"}
  - {slot: A, within: 120}
  - {wait: "never comes", within: 120}
END
fails forbidden 1 "the console shows 'did not start', which it never must"
scenario other-bytes virt <<'END'
  - {same: {partition: root-a, as: boot}}
END
fails other-bytes 1 "the card differs from 'boot' at byte"
scenario variables virt <<'END'
  - {set-environment: {BOOT_ORDER: A}}
  - {environment: {BOOT_ORDER: B}}
END
fails variables 1 "BOOT_ORDER is 'A', not 'B'"
scenario commands virt <<'END'
  - {power: "on"}
  - {run: "true"}
END
fails commands 2 "recipes/commands.yaml:8: 'run' needs commands in the guest, but board 'virt' takes none"
scenario lost virt <<'END'
  - {power: "on", record: true}
  - {power: cut}
  - {power-cuts: {roots: root, boots: boot, lost-writes: 13}}
END
fails lost 2 "recipes/lost.yaml:9: 'lost-writes' is at most 12 on board 'virt'"
scenario large virt 'keep-card: false' <<'END'
  - {power: "on"}
END
sed -i 's/64M/16M/' "$p/recipes/large.yaml"
fails large 2 "more than the card: raise 'card-size'"
scenario hangs virt <<'END'
  - {power: "on"}
  - {wait: "never comes", within: 600}
END
sed -i 's/^timeout: .*/timeout: 4/' "$p/recipes/hangs.yaml"
fails hangs 10 "the test was not done in time"

# A kernel that U-Boot starts and that does nothing: the head of an arm64 image in front of "b .".
mkdir -p "$p/kernel/boot"
{
	printf '\000\000\000\024\000\000\000\000'                                 # b .
	printf '\000\000\000\000\000\000\000\000\000\020\000\000\000\000\000\000' # offset, size
	printf '\012\000\000\000\000\000\000\000'                                 # flags
	head -c 24 /dev/zero
	printf 'ARMd'
	head -c 4036 /dev/zero
} >"$p/kernel/vmlinuz"
echo initrd >"$p/kernel/boot/initrd.img"
sed 's/copy: files/copy: kernel/' "$p/recipes/root.yaml" >"$p/recipes/root-kernel.yaml"
sed 's/from: root}/from: root-kernel}/' "$p/recipes/card.yaml" >"$p/recipes/card-kernel.yaml"
scenario cuts virt <<'END'
  - {power: "on", record: true}
  - {slot: A, within: 120}
  - {cut: "Starting kernel", within: 120}
  - {power-cuts: {roots: root-kernel, boots: boot, lost-writes: 8}, within: 120}
END
sed 's/roots: root-kernel/roots: root/; s/^  - {slot.*/&\n  - {wait: ., within: 60}/' "$p/recipes/cuts.yaml" \
	>"$p/recipes/cuts-other.yaml"
sed -i 's/^card: .*/card: card-kernel/' "$p/recipes/cuts.yaml" "$p/recipes/cuts-other.yaml"
code "a record of writes is replayed and each state boots" 0 "$ORCH" -C "$p" build cuts
check "several states were seen" grep -qE ' writes, [0-9]+ moments, ([2-9]|[1-9][0-9]+) states' \
	"$p/out/cuts/console.log"
check "and more with lost writes" grep -qE 'among them [1-9][0-9]* moments more: every subset of 8 lost' \
	"$p/out/cuts/console.log"
fails cuts-other 1 "would be used, and is not a whole image"

# QEMU dies with its worker.
sed -i 's/^timeout: .*/timeout: 600/' "$p/recipes/hangs.yaml"
"$ORCH" -C "$p" build hangs >/dev/null 2>&1 &
builder=$!
i=0
until pgrep -f "qemu-system-aarch6[4].*$ORCH_STORE" >/dev/null || [ $i -gt 60 ]; do
	sleep 1
	i=$((i + 1))
done
check "a guest runs" pgrep -f "qemu-system-aarch6[4].*$ORCH_STORE"
kill -9 $builder
wait $builder 2>/dev/null
i=0
while pgrep -f "qemu-system-aarch6[4].*$ORCH_STORE" >/dev/null && [ $i -lt 20 ]; do
	sleep 1
	i=$((i + 1))
done
same "no guest outlives a killed orch" "" "$(processes "qemu-system-aarch6[4].*$ORCH_STORE")"
finish
