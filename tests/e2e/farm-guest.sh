#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest and a scenario on a farm of two workers (buildbox-casd), in the QEMU that their board brings
# along: to the same bytes as here, while a worker is killed, and when one lies. Guests in this machine's
# own QEMU are not sent.
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh
. tests/e2e/guest-lib.sh
needs_grpc
tests/engines.sh get casd || { skip "buildbox cannot be had" && exit 77; }
worker w1 || exit 1
worker w2 || exit 1

p=$scratch/p
guest_project "$p"
printf 'schema: 1\nname: guests\nversion: "1"\ntimes: 1735689600\ndefault: [guest, scenario]\n' >"$p/recipes/project.yaml"
case $arch in amd64) program=qemu-system-x86_64 machine=pc ;; *) program=qemu-system-aarch64 machine=virt ;; esac
qemu_tree $program >"$p/recipes/qemu.yaml"
here=$scratch/here.config
mkdir -p "$here/orch"
cp "$XDG_CONFIG_HOME/orch/config.yaml" "$here/orch/"
on() { # WORKER...: the farm, and whose QEMU is trusted
	for on_worker; do on_urls="${on_urls:-} $(url "$on_worker")"; done
	farm "$on_urls"
	on_urls=
	cat "$here/orch/config.yaml" >>"$XDG_CONFIG_HOME/orch/config.yaml"
}
hello_firmware $arch >"$p/hello.bin"
cat >"$p/recipes/board.yaml" <<END
kind: board
machine: $machine
arch: $arch
memory: 256M
firmware: hello.bin
emulator: qemu
END
sed '/^emulator:/d' "$p/recipes/board.yaml" >"$p/recipes/board-of-host.yaml"
guest() { # NAME BOARD
	cat >"$p/recipes/$1.yaml" <<END
kind: vm
from: disk
boot: kernel
kernel: vmlinuz
board: $2
cmdline: root=PARTLABEL=root rootfstype=ext4 rw quiet farm=$$
platform: {OSFamily: linux}
inputs: [text]
run:
  - mount -t proc none /proc; grep -c . /proc/cpuinfo >/dev/null; cat text >/root/note; echo in the guest; sleep 2
outputs: {note: /root/note, etc.tar: /etc}
END
}
guest guest board
guest of-host board-of-host
scenario() { # NAME BOARD
	cat >"$p/recipes/$1.yaml" <<END
kind: test
board: $2
card: disk
card-size: 128M
platform: {OSFamily: linux}
steps:
  - {power: on}
  - {wait: "hello from the firmware", within: 60}
  - {power: cut}
END
}
scenario scenario board
scenario scenario-of-host board-of-host
# With other texts a guest and a scenario are to be made again.
change() {
	echo "$1" >"$p/text"
	sed -i "s/^never: .*//; \$a never: [\"$1\"]" "$p/recipes/scenario.yaml"
	rm -rf "$p/out"
}
# Reports and consoles have times.
bytes() { (cd "$p/out" && find guest scenario -type f ! -name console.log ! -name junit.xml ! -name '.*' -exec sha256sum {} + | sort); }
change first

echo "# what is sent"
on w1 w2
export ORCH_STORE="$scratch/store"
code "a plan" 0 "$orch" -C "$p" plan guest scenario of-host scenario-of-host
same "a board's own QEMU goes along" "board disk guest scenario" \
	"$(sed -n 's/^sent to [^:]*:[^:]*:[0-9]*[^:]*: //p' "$scratch/out" | tr -d ',' | tr ' ' '\n' | sort | xargs)"
same "guests in that of this machine stay, which is told" "made here, not by the executor: of-host: its board uses this machine's QEMU
made here, not by the executor: scenario-of-host: its board uses this machine's QEMU" \
	"$(grep 'of-host: its' "$scratch/out" | sort)"
same "and what a worker must be" "guest scenario" \
	"$(sed -n 's/^sent to .*OSFamily=linux.*: //p' "$scratch/out" | tr -d ',' | tr ' ' '\n' | sort | xargs)"

echo "# to the same bytes"
check "here" env XDG_CONFIG_HOME="$here" ORCH_STORE="$scratch/here" "$ORCH" -C "$p" build
bytes >"$scratch/want"
rm -rf "$p/out"
code "on the farm" 0 "$orch" -C "$p" build
lacks "without a warning" "warning" "$scratch/err"
same "is the same" "$(cat "$scratch/want")" "$(bytes)"
same "the guest ran there, and the scenario" "board disk guest scenario" \
	"$("$orch" -C "$p" runs --json | jq -r '.runs[0].remote.farmed' | sed 's/^4$/board disk guest scenario/')"
check "in the QEMU of the board" sh -c "'$orch' -C '$p' log guest | grep -q '/roots/.*/usr/bin/$program'"
check "its console is here" sh -c "'$orch' -C '$p' log guest | grep -qx 'in the guest'"
check "and the scenario's" grep -q 'hello from the firmware' "$p/out/scenario/console.log"

# guest_of_farm: waits until a guest runs there; its process.
guest_of_farm() {
	for _ in $(seq 1200); do
		[ -z "$(processes "$program.* farm=$$")" ] || break
		sleep 0.1
	done
	processes "$program.* farm=$$" | head -n 1
}
# whose PID: the worker that it descends from.
whose() {
	whose_pid=$1
	while [ "$whose_pid" -gt 1 ]; do
		for w in w1 w2; do
			[ "$whose_pid" != "$(cat "$workers/$w/casd.pid")" ] || echo $w
		done
		whose_pid=$(ps -o ppid= -p "$whose_pid" | tr -d ' ')
	done
}
echo "# a worker is killed while its guest runs"
change killed
"$orch" -C "$p" build --progress plain >"$scratch/killed.out" 2>"$scratch/killed.err" &
orch_pid=$!
killed=$(whose "$(guest_of_farm)")
check "a guest runs there" test -n "$killed"
tests/engines.sh kill "$workers/${killed:-w1}" casd
wait $orch_pid
same "nothing fails" 0 $?
same "nothing is lost" killed "$(cat "$p/out/guest/note")"
check "the scenario passes" jq -e .pass "$p/out/scenario/verdict.json"
worker "$killed" || exit 1

echo "# a worker lies"
liar || exit 1
on liar
change lie
code "about both" 0 "$orch" -C "$p" build
same "which is told of both" "guest scenario" \
	"$(sed -n "s/.*\(guest\|scenario\).*sent other bytes as output .* made on this machine.*/\1/p" "$scratch/err" | sort | xargs)"
same "and not used" lie "$(cat "$p/out/guest/note")"
check "nor in the verdict" jq -e .pass "$p/out/scenario/verdict.json"

echo "# the user stops"
on w1
sed -i 's/sleep 2$/sleep 7654/' "$p/recipes/guest.yaml"
"$orch" -C "$p" build guest >"$scratch/out" 2>"$scratch/err" &
orch_pid=$!
check "the guest runs" test -n "$(guest_of_farm)"
kill -INT $orch_pid
wait $orch_pid
same "stopped" 130 $?
for _ in $(seq 50); do
	[ -n "$(processes "$program.* farm=$$")" ] || break
	sleep 0.1
done
same "no guest runs on" "" "$(processes "$program.* farm=$$")"
finish
