#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch boot: a board whose firmware says hello, repeats what it hears, and switches off at 'q'.
. tests/e2e/lib.sh
tests=$PWD/tests/e2e
mkdir -p "$scratch/p/recipes/boards" "$scratch/p/firmware"
cd "$scratch/p" || exit 1
export ORCH_STORE="$scratch/store"

hello_firmware arm64 >firmware/hello.bin
printf 'schema: 1\nname: boot\nversion: "1"\n' >recipes/project.yaml
cat >recipes/card.yaml <<'END'
kind: disk
reserved:
  - {name: env, at: 1M, size: 32K}
  - {name: env-redundant, at: 2M, size: 32K}
partitions:
  - {name: data, type: linux-generic, size: 4M, filesystem: ext4}
  - {name: root-a, type: root-arm64, size: 1M}
  - {name: root-b, type: root-arm64, size: 1M}
END
cat >recipes/device.yaml <<'END'
kind: device
disk: card
compatible: test
bootloader: {type: uboot, environment: [env, env-redundant], tries: 3}
slots: {rootfs: {boot: {A: root-a, B: root-b}}}
END
printf 'kind: board\nmachine: virt\ncpu: cortex-a57\nmemory: 64M\nfirmware: firmware/hello.bin\n' \
	>recipes/boards/fast.yaml
sed '$a time-scale: 2' recipes/boards/fast.yaml >recipes/boards/slow.yaml
printf 'kind: run\nrun: ["echo x >x"]\noutputs: [x]\n' >recipes/file.yaml
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch

echo "# without a terminal"
echo q | "$orch" boot card --slot B >"$scratch/out" 2>"$scratch/err"
same ends-with-the-guest 0 $?
same prints-the-serial-line 'hello from the firmware' "$(cat "$scratch/out")"
check takes-the-fastest-board grep -q "'card' on boards/fast, slot B" "$scratch/err"
printf 'abq' | "$orch" boot card --board slow >"$scratch/out" 2>"$scratch/err"
same hears-stdin 'hello from the firmware
ab' "$(cat "$scratch/out")"
check takes-the-board-asked-for grep -q "'card' on boards/slow;" "$scratch/err"
code ends-after-a-time 10 "$orch" boot card --timeout 2
timeout 60 "$orch" boot card 2>/dev/null | head -n 1 >"$scratch/out"
same ends-when-nobody-reads 'hello from the firmware' "$(cat "$scratch/out")"
ORCH_TEST_CANARY=of-the-caller "$orch" boot card >/dev/null 2>"$scratch/err" &
pid=$!
while ! grep -q 'no terminal' "$scratch/err"; do sleep 0.2; done
sleep 1
qemu=$(pgrep -P $pid -f qemu-system)
same qemu-has-its-own-environment 'PATH=/usr/bin:/bin' "$(tr '\0' '\n' <"/proc/$qemu/environ" | grep -v '^TMPDIR=')"
kill -TERM $pid
wait $pid
same ends-by-a-signal 143 $?

# A guest that never reads: "b ." at the start of the firmware.
printf '\000\000\000\024' | dd of=firmware/deaf.bin status=none
printf 'kind: board\nmachine: virt\ncpu: cortex-a57\nmemory: 64M\nfirmware: firmware/deaf.bin\n' >recipes/boards/deaf.yaml
yes | timeout -k 5 60 "$orch" boot card --board deaf --timeout 3 >/dev/null 2>"$scratch/err"
same ends-in-time-unheard 10 $?
yes | timeout -k 10 5 "$orch" boot card --board deaf --timeout 100 >/dev/null 2>&1
same ends-by-a-signal-unheard 124 $?
rm recipes/boards/deaf.yaml

echo "# on a terminal"
on_terminal() { # NAME EXIT DIALOGUE...
	name=$1 want=$2
	shift 2
	python3 "$tests/terminal.py" "$@" -- "$orch" boot card >"$scratch/out" 2>&1
	same "$name" "exit $want
restored" "$(tail -n 2 "$scratch/out")"
}
on_terminal control-a-x 0 'from the firmware=\x01x'
same way-out-before-the-guest-speaks 1 "$(sed '/^hello from/,$d' "$scratch/out" | grep -c 'Ctrl-A X')"
on_terminal guest-hears-keys 0 'from the firmware=ab\x01hcd\x03' 'Ctrl-A=e' 'e=q'
check help grep -q 'Ctrl-A X ends' "$scratch/out"
on_terminal terminated 143 'from the firmware=!TERM'
on_terminal killed -9 'from the firmware=!KILL'
on_terminal crashed -6 'from the firmware=!ABRT'
echo "# what a guest asks the terminal is not answered to who reads it next"
asks=$(printf '\033[c')
on_terminal asks-and-ends 0 --answers 'from the firmware=\x1b[c\x1b[cq'
check no-answer-typed grep -qx "typed b''" "$scratch/out"
on_terminal asks-and-is-killed -9 --answers 'from the firmware=\x1b[c' "$asks=!KILL"
check no-answer-typed-then grep -qx "typed b''" "$scratch/out"

echo "# a QEMU that the board brings along"
export XDG_CONFIG_HOME="$scratch/config"
qemu_tree qemu-system-aarch64 >recipes/qemu.yaml
sed '$a emulator: qemu' recipes/boards/fast.yaml >recipes/boards/own.yaml
printf 'kind: run\noutputs: [t.tar]\nrun: ["mkdir t; tar -C t -cf t.tar ."]\n' >recipes/empty.yaml
sed '$a emulator: empty' recipes/boards/fast.yaml >recipes/boards/none.yaml
: >"$scratch/out" # before anybody looks
"$orch" boot card --board own >"$scratch/out" 2>"$scratch/err" &
pid=$!
timeout 120 sh -c "while ! grep -q hello '$scratch/out'; do sleep 0.2; done"
same own-qemu-says-hello 'hello from the firmware' "$(cat "$scratch/out")"
check own-qemu-runs pgrep -f "$ORCH_STORE/roots/.*/usr/bin/qemu-system-aarch64 .*-machine virt"
kill -TERM $pid
wait $pid
same own-qemu-ends 143 $?
check own-qemu-is-built "$orch" build boards/own
check own-qemu-is-told grep -q '"qemu": "QEMU emulator version' out/boards/own/board.json
code no-qemu-in-tree 2 "$orch" boot card --board none
check no-qemu-in-tree-says grep -q "needs package 'qemu-system-arm'" "$scratch/err"
rm recipes/qemu.yaml recipes/empty.yaml recipes/boards/own.yaml recipes/boards/none.yaml

echo "# what cannot be booted"
code no-image 2 "$orch" boot file
check no-image-says grep -q 'makes no image that could be booted' "$scratch/err"
code no-board 2 "$orch" boot card --board file
check no-board-says grep -q "node 'file' is not a board" "$scratch/err"
code no-slot 2 "$orch" boot card --slot 'B A'
check no-slot-says grep -q "the device has no slot 'B A', only A B" "$scratch/err"
rm recipes/device.yaml
code no-device 2 "$orch" boot card --slot A
check no-device-says grep -q -e '--slot needs to know the device, and there is no device' "$scratch/err"
rm recipes/boards/*
code no-board-at-all 2 "$orch" boot card
check no-board-at-all-says grep -q 'this project has no board' "$scratch/err"

check sweeps "$orch" build file
empty nothing-left "$ORCH_STORE/tmp"
same no-process-left '' "$(processes "$ORCH_STORE/")"
finish
