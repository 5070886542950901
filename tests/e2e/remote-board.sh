#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Scenarios on a board that orch does not start: a QEMU on a bench (bench.py), reached by commands and
# a socket of the user's configuration. Its boot sector prints the environment that is on the card and
# counts its starts there, so what a step did to the card is what the board says, and the other way
# round. Then every way in which such a board fails.
. tests/e2e/lib.sh
. tests/e2e/scenario-lib.sh

tests=$PWD/tests/e2e
b=$scratch/lab
p=$scratch/p
mkdir -p "$b" "$p/recipes" "$scratch/config/orch"
export XDG_CONFIG_HOME="$scratch/config" ORCH_STORE="$scratch/store"

# It says that it is up and what the first variables are, and adds one to the byte at 3 MiB.
cat >"$scratch/boot.s" <<'END'
	.code16
	ljmp $0, $start + 0x7c00
start:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $banner + 0x7c00, %si
	call print
	movw $first + 0x7c00, %si
	movb $0x42, %ah
	int $0x13
	movw $second + 0x7c00, %si
	movb $0x42, %ah
	int $0x13
	movw $0x8005, %si
	movb 0x8204, %al
	cmpb 0x8004, %al
	jbe older
	movw $0x8205, %si
older:	call print
	movw $counter + 0x7c00, %si
	movb $0x42, %ah
	int $0x13
	incb 0x8000
	movw $counter + 0x7c00, %si
	movw $0x4300, %ax
	int $0x13
	movw $done + 0x7c00, %si
	call print
stop:	hlt
	jmp stop
print:	movb (%si), %bl
	incw %si
	testb %bl, %bl
	jnz put
	movb $10, %bl
	cmpb $0, (%si)
	jne put
	ret
put:	pushw %dx
	movw $0x3fd, %dx
wait:	inb %dx, %al
	testb $0x20, %al
	jz wait
	movw $0x3f8, %dx
	movb %bl, %al
	outb %al, %dx
	popw %dx
	jmp print
banner:	.ascii "BENCH: up\n\0\0"
done:	.ascii "\nBENCH: counted\n\0\0"
first:	.byte 16, 0
	.word 1, 0x8000, 0, 2048, 0, 0, 0
second:	.byte 16, 0
	.word 1, 0x8200, 0, 4096, 0, 0, 0
counter: .byte 16, 0
	.word 1, 0x8000, 0, 6144, 0, 0, 0
END
check "a boot sector is assembled" sh -c 'as --32 -o "$1/boot.o" "$1/boot.s" &&
	objcopy -O binary -j .text "$1/boot.o" "$1/boot.bin" && truncate -s 512 "$1/boot.bin"' sh "$scratch"
[ "$failures" = 0 ] || finish
cp "$scratch/boot.bin" "$p/"

printf 'schema: 1\nname: remote\nversion: "1"\ntimes: 1735689600\n' >"$p/recipes/project.yaml"
cat >"$p/recipes/card.yaml" <<'END'
kind: disk
table: mbr
reserved:
  - {name: boot, at: 0, size: 512, from: boot.bin}
  - {name: uboot-env, at: 1M, size: 32K}
  - {name: uboot-env-redundant, at: 2M, size: 32K}
  - {name: counter, at: 3M, size: 512}
partitions:
  - {name: root-a, type: linux, at: 4M, size: 1M}
  - {name: root-b, type: linux, size: 1M}
END
cat >"$p/recipes/device.yaml" <<'END'
kind: device
disk: card
paths: /dev/slots/{partition}
compatible: test
bootloader:
  type: uboot
  environment: [uboot-env, uboot-env-redundant]
  tries: 3
  chosen: 'BOOT_ORDER=([^ ]+)'
slots:
  rootfs: {boot: {A: root-a, B: root-b}}
END
for board in mux copy live telnet quiet; do
	printf 'kind: board\nmachine: remote\nname: %s\narch: amd64\n' $board >"$p/recipes/$board.yaml"
done
sed 's/^name: .*/name: mux/' "$p/recipes/mux.yaml" >"$p/recipes/skipping.yaml"
echo 'unseen: skip' >>"$p/recipes/skipping.yaml"
echo 'time-scale: 0.005' >>"$p/recipes/quiet.yaml"

# the bench, and those who keep its doors
cat >"$scratch/bench" <<END
#!/bin/sh
exec python3 "$tests/bench.py" "$b" "\$@"
END
cat >"$scratch/system" <<'END'
#!/bin/sh
# Stands for ssh to root of the running system: a shell in which /run is its own.
echo "system: welcome" >&2
exec unshare -Urm sh -c 'mount -t tmpfs none /run && exec sh -c "$1"' sh "$1"
END
chmod +x "$scratch/bench" "$scratch/system"
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
truncate -s 64M "$b/host.img"
# serve CHARDEV: with that console
serve() {
	python3 "$tests/bench.py" serve "$b" qemu-system-x86_64 -machine pc -accel tcg -m 32 -nodefaults \
		-no-user-config -display none -drive "file=$b/board.img,format=raw,if=ide" -serial "$1" \
		>"$scratch/serving" 2>&1 &
	bench=$!
	i=0
	until [ -s "$scratch/serving" ] || [ $i -ge 100 ]; do i=$((i + 1)); sleep 0.1; done
	[ -s "$scratch/serving" ] || echo "  the bench does not serve"
}
unserve() {
	"$scratch/bench" off
	kill "$bench"
	wait "$bench" 2>/dev/null
	rm -f "$b/control" "$b/console" "$scratch/serving"
}
trap '[ -z "${bench:-}" ] || { "$scratch/bench" off; kill "$bench"; } 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT

# board NAME KEY LINE...: in the configuration
: >"$scratch/boards"
board() {
	{
		echo "  $1:"
		shift
		for line; do echo "    $line"; done
	} >>"$scratch/boards"
	{ echo boards:; cat "$scratch/boards"; } >"$scratch/config/orch/config.yaml"
}
on="power-on: [$scratch/bench, on]"
off="power-off: [$scratch/bench, off]"
console="console: unix:$b/console"
host="card-to-host: [$scratch/bench, host]"
back="card-to-board: [$scratch/bench, board]"
board mux "$on" "$off" "$console" "card: $b/host.img" "$host" "$back" "commands: [$scratch/system]"
board copy "$on" "$off" "$console" "write: [$scratch/write]" "read: [$scratch/read]"
board live "$on" "$off" "$console" "card: $b/board.img"
board telnet "$on" "$off" "console: telnet://127.0.0.1:$port" "card: $b/board.img"
printf '#!/bin/sh\nexec cp --sparse=always "$1" "%s/board.img"\n' "$b" >"$scratch/write"
printf '#!/bin/sh\nexec cp --sparse=always "%s/board.img" "$1"\n' "$b" >"$scratch/read"
chmod +x "$scratch/write" "$scratch/read"

scenario_timeout=300
serve "unix:$b/console,server=on,wait=on"

# -- the same steps, by each way to the card
steps() {
	cat <<'END'
  - {environment: {BOOT_ORDER: ""}, copies: none}
  - {set-environment: {BOOT_ORDER: B A}}
  - {power: "on"}
  - {wait: "BENCH: up", within: 30}
  - {slot: B, within: 30}
  - {cut: "BENCH: counted", within: 30}
  - {environment: {BOOT_ORDER: B A}}
  - {same: {at: 4M, size: 2M, as: start}}
  - {set-environment: {BOOT_ORDER: A B}}
  - {name: again, power: "on"}
  - {slot: A, within: 30}
  - {wait: "BENCH: counted", within: 30}
  - {power: cut}
  - {damage: {at: 1M, size: 1056K}}
  - {environment: {BOOT_ORDER: ""}, copies: none}
END
}
for way in mux copy live; do
	[ $way = mux ] || "$scratch/bench" board
	steps | scenario "by-$way" $way 'keep-card: true'
	code "a scenario passes by $way" 0 "$ORCH" -C "$p" build "by-$way"
	check "the verdict names the board" jq -e \
		".pass and .board == {machine: \"remote\", name: \"$way\"} and .unseen == []" \
		"$p/out/by-$way/verdict.json"
	same "the board counted its starts on the card that is kept ($way)" "2" \
		"$(od -An -tu1 -j 3145728 -N 1 "$p/out/by-$way/card.img" | tr -d ' ')"
	"$scratch/bench" host
done
code "such a verdict is cached" 0 "$ORCH" -C "$p" build by-mux
check "nothing runs again" grep -q 'built 0' "$scratch/err"

# -- commands in the running system, and the files of the scenario
echo hello >"$p/greeting"
scenario commands mux 'media: [greeting]' <<'END'
  - {power: "on"}
  - {run: "cat /run/orch/media/project/greeting; echo $((6 * 7))", output: "^hello$"}
  - {run: "exit 7", status: "7"}
  - {run: "sleep 100", background: true}
  - {name: the connection is there again, run: "test -e /run/orch/media/project/greeting"}
  - {power: cut}
END
code "commands run in its system" 0 "$ORCH" -C "$p" build commands
check "what they say is in the log" grep -q '> 42$' "$p/out/commands/console.log"
check "so is what brings them there" grep -q 'board: system: welcome' "$p/out/commands/console.log"
scenario broken mux <<'END'
  - {power: "on"}
  - {run: "kill -9 0"}
END
fails broken 1 "the guest restarted, or the connection to it broke, during the command"

# -- what cannot be seen
scenario tries mux <<'END'
  - {set-environment: {BOOT_ORDER: A B}}
  - {power: "on"}
  - {slot: A, tries: {A: "2"}, within: 30}
END
fails tries 2 "recipes/tries.yaml:9: 'slot' looks at the card while the board has it: leave its 'tries' out"
sed 's/^board: mux/board: skipping/' "$p/recipes/tries.yaml" >"$p/recipes/skips.yaml"
code "unless the board's recipe says otherwise" 0 "$ORCH" -C "$p" build skips
check "and the verdict says what nobody saw" jq -e '.pass and .unseen == [3]' "$p/out/skips/verdict.json"
scenario lives live <<'END'
  - {set-environment: {BOOT_ORDER: A B, BOOT_A_LEFT: "1"}}
  - {power: "on"}
  - {slot: A, tries: {A: "2"}, within: 30}
END
"$scratch/bench" board
fails lives 1 "slot A has not 2 tries left (order <A B>, left A=1"
"$scratch/bench" host

# -- two scenarios, one board
for n in 1 2; do
	scenario "both$n" mux <<END
  - {power: "on"}
  - {wait: "BENCH: counted", within: 30}
  - {name: keeps it for a while, refuse: "no such line $n", for: 2}
END
done
code "two scenarios share a board" 0 "$ORCH" -C "$p" build -j 2 both1 both2
check "one waits for the other" grep -q "another scenario has board 'mux'" "$p"/out/both[12]/console.log

# -- failures
scenario unknown quiet <<'END'
  - {power: "on"}
END
fails unknown 2 "which $scratch/config/orch/config.yaml does not describe under 'boards': docs/hardware.md says how"
scenario hangs-up mux <<END
  - {power: "on"}
  - {wait: "BENCH: counted", within: 30}
  - {run: "$scratch/bench crash"}
  - {wait: "never comes", within: 30}
END
fails hangs-up 1 "board 'mux': its console unix:$b/console hung up"
scenario silent mux <<'END'
  - {power: "on"}
  - {wait: "never comes", within: 2}
END
fails silent 1 "no line like 'never comes' within 2 s; the console's last line: 'BENCH: counted'"
same "the power is off after all that" "the board is off" "$("$scratch/bench" host && echo the board is off)"
scenario late mux <<'END'
  - {power: "on"}
  - {wait: "never comes", within: 60}
END
sed -i 's/^timeout: .*/timeout: 3/' "$p/recipes/late.yaml"
fails late 10 "the test was not done in time"

# fault NAME CODE TEXT KEY LINE...: a board that is the multiplexer's, with these keys
fault() {
	fault_name=$1
	fault_code=$2
	fault_text=$3
	shift 3
	board "$fault_name" "card: $b/host.img" "$host" "$back" "$@"
	printf 'kind: board\nmachine: remote\nname: %s\narch: amd64\ntime-scale: 0.01\n' "$fault_name" \
		>"$p/recipes/board-$fault_name.yaml"
	scenario "$fault_name" "board-$fault_name" <<'END'
  - {power: "on"}
  - {wait: "BENCH: counted", within: 3000}
END
	sed -i 's/^timeout: .*/timeout: 6000/' "$p/recipes/$fault_name.yaml"
	case $* in *commands:*) echo '  - {run: "true"}' >>"$p/recipes/$fault_name.yaml" ;; esac
	fails "$fault_name" "$fault_code" "$fault_text"
}
in_config="in $scratch/config/orch/config.yaml)"
fault no-power 1 "board 'no-power': 'sh' exited with 3: the fuse is blown ('power-on' $in_config" \
	"power-on: [sh, -c, 'echo the fuse is blown >&2; exit 3']" "$off" "$console"
fault no-program 1 "('power-off' $in_config" "$on" "power-off: [$scratch/nothing]" "$console"
fault stuck 10 "board 'stuck': 'sleep' took longer than 1 s ('power-on' in" \
	"power-on: [sleep, '100']" "$off" "$console" "timeout: 1"
fault no-console 1 "board 'no-console': cannot open its console unix:$b/nothing: No such file" \
	"$on" "$off" "console: unix:$b/nothing"
fault no-line 1 "board 'no-line': cannot open its console /dev/ttyNONE0: No such file" \
	"$on" "$off" "console: /dev/ttyNONE0"
fault ends 1 "its console sh hung up: gone" "$on" "$off" "console: [sh, -c, 'echo up; echo gone >&2']"
fault no-commands 1 \
	"board 'no-commands' takes no commands within 9 s by 'sh' ('commands' $in_config; it said last: no route" \
	"$on" "$off" "$console" "commands: [sh, -c, 'echo no route >&2']"
"$scratch/bench" board
"$scratch/bench" on
fault stays-on 1 "bench: the card is in use ('card-to-host' $in_config" "$on" "power-off: ['true']" "$console"
"$scratch/bench" off
"$scratch/bench" host

# -- orch is killed: the board stays on, and the next scenario begins all the same
scenario killed mux <<'END'
  - {power: "on"}
  - {wait: "never comes", within: 200}
END
"$ORCH" -C "$p" build killed >/dev/null 2>&1 &
builder=$!
i=0
until [ "$("$scratch/bench" log | grep -o 'on$')" = on ] || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.2; done
kill -9 $builder
wait $builder 2>/dev/null
code "the board is on, and has its card" 1 "$scratch/bench" host
sed 's/never comes/BENCH: counted/' "$p/recipes/killed.yaml" >"$p/recipes/after.yaml"
code "a scenario after one that was killed" 0 "$ORCH" -C "$p" build after

# -- telnet: the bytes between are nobody's line
unserve
serve "telnet:127.0.0.1:$port,server=on,wait=on"
"$scratch/bench" board
scenario by-telnet telnet <<'END'
  - {power: "on"}
  - {wait: "BENCH: counted", within: 30}
END
code "a console by telnet" 0 "$ORCH" -C "$p" build by-telnet
lacks "has only its lines" "$(printf '\377')" "$p/out/by-telnet/console.log"
unserve
finish
