#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a vm node does and says, with a tiny guest of this machine's own kernel and programs: results,
# and every way a guest can fail.
. tests/e2e/lib.sh
. tests/e2e/guest-lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$scratch/disk"

guest_project "$p"

printf 'schema: 1\nname: guests\nversion: "1"\ntimes: 1735689600\n' >"$p/recipes/project.yaml"
mkdir -p "$p/files" && echo data >"$p/files/file"
cat >"$p/recipes/data.yaml" <<'EOF'
kind: image
size: 16M
filesystem: ext4
contents: [{copy: files, to: /}]
EOF
head -c 1048576 /dev/urandom >"$p/junk.img"

# vm NAME [KEY LINE]... <steps: a recipe that boots the guest.
vm() {
	vm_name=$1
	shift
	{
		printf 'kind: vm\nfrom: disk\nboot: kernel\nkernel: vmlinuz\narch: %s\nmemory: 256M\ncpus: 1\n' $arch
		echo 'cmdline: root=PARTLABEL=root rootfstype=ext4 rw quiet'
		for line; do echo "$line"; done
		echo 'run:'
		cat
	} >"$p/recipes/$vm_name.yaml"
}
fails() { # NAME CODE TEXT: the node fails with that exit code and says TEXT
	code "$1: exit code" "$2" "$orch" -C "$p" build "$1"
	check "$1: says '$3'" grep -qF -- "$3" "$scratch/err"
}

printf 'kind: run\nrun: ["echo root=PARTLABEL=root >line"]\noutputs: [line]\n' >"$p/recipes/args.yaml"
printf 'made of {{args:line}}\n' >"$p/files/conf"
vm good 'disks: [data]' 'inputs: [{template: files/conf}, args, "data:data.img"]' 'outputs: {root.tar: /, note: /root/note, inputs: /root/inputs}' 'env: {MODE: "a '"'b'"' ${args:line}"}' <<'EOF'
  - |
    cat /mnt/data/file >/root/note
    cat files/conf args >/root/inputs
    [ -s data.img ] && ! echo x 2>/dev/null >files/conf
    date -u +%Y >>/root/note
    echo log >/var/log/x.log
    echo tmp >/tmp/x
    echo changed >/mnt/data/file
    [ "$MODE" = "a 'b' root=PARTLABEL=root" ]
    [ -b "$ORCH_DISK_1" ] && [ "$SOURCE_DATE_EPOCH" = 1735689600 ] && [ "$HOME" = /root ]
  - [sh, -c, 'echo "an argv"; echo ORCH-0123456789abcdef done 2 9']
EOF
sed -i 's/^cmdline: root=PARTLABEL=root/cmdline: ${args:line}/' "$p/recipes/good.yaml"
code "a guest runs its steps" 0 "$orch" -C "$p" build good
same "its file comes out" "data 2025" "$(tr '\n' ' ' <"$p/out/good/note" | sed 's/ $//')"
same "inputs are laid out, a template filled" "made of root=PARTLABEL=root root=PARTLABEL=root " \
	"$(tr '\n' ' ' <"$p/out/good/inputs")"
tar -tf "$p/out/good/root.tar" >"$scratch/list"
check "its tree comes out" grep -qx 'root/note' "$scratch/list"
lacks "logs and temporary files do not" '/x.log|tmp/x' "$scratch/list"
lacks "nothing of the steps is left" 'orch|step' "$scratch/list"
check "the console is in the log" sh -c "'$orch' -C '$p' log good | grep -qx 'an argv'"
first=$(sha256sum <"$p/out/good/root.tar")
code "again in another store" 0 "$orch" -C "$p" --store "$scratch/store2" build good
same "gives the same bytes" "$first" "$(sha256sum <"$p/out/good/root.tar")"

case $arch in amd64) machine=pc ;; *) machine=virt ;; esac
printf 'kind: board\nmachine: %s\narch: %s\nmemory: 320M\nfirmware: junk.img\ntime-scale: 2\n' \
	$machine $arch >"$p/recipes/board.yaml"
vm on-board 'outputs: {memory: /root/memory}' 'board: board' <<'EOF'
  - grep MemTotal /proc/meminfo >/root/memory
EOF
sed -i '/^arch:/d; /^memory:/d; /^cpus:/d' "$p/recipes/on-board.yaml"
code "a guest runs on a board" 0 "$orch" -C "$p" build on-board
check "with the memory of the board" \
	sh -c 'read -r _ kb _ <"$1" && [ "$kb" -gt 262144 ] && [ "$kb" -le 327680 ]' sh "$p/out/on-board/memory"
check "on its machine" sh -c "'$orch' -C '$p' log on-board | grep -q 'machine $machine '"

# EFI firmware of its board: it is what QEMU gets, and refuses for its size.
head -c 1000 /dev/zero >"$p/flash.img"
sed 's/^firmware:.*/firmware: flash.img\nvariables: flash.img/' "$p/recipes/board.yaml" >"$p/recipes/flashed.yaml"
sed '/^boot:/d; /^kernel:/d; s/^board:.*/board: flashed/' "$p/recipes/on-board.yaml" >"$p/recipes/on-flashed.yaml"
code "a guest with its board's firmware" 1 "$orch" -C "$p" build on-flashed
check "starts with that" grep -q '1000' "$scratch/err"
rm "$p/recipes/flashed.yaml" "$p/recipes/on-flashed.yaml"

case $arch in amd64) program=qemu-system-x86_64 ;; *) program=qemu-system-aarch64 ;; esac
export XDG_CONFIG_HOME="$scratch/config"
qemu_tree $program >"$p/recipes/qemu.yaml"
sed '$a emulator: qemu' "$p/recipes/board.yaml" >"$p/recipes/own-board.yaml"
sed 's/^board:.*/board: own-board/' "$p/recipes/on-board.yaml" >"$p/recipes/on-own-board.yaml"
code "a guest runs in the QEMU of its board" 0 "$orch" -C "$p" build on-own-board
check "and in no other" sh -c "'$orch' -C '$p' log on-own-board | grep -q '/roots/.*/usr/bin/$program'"
rm "$p/recipes/qemu.yaml" "$p/recipes/own-board.yaml" "$p/recipes/on-own-board.yaml"

vm failing 'outputs: {root.tar: /}' <<'EOF'
  - echo first >/root/made
  - |
    # the second step
    echo about to fail
    sh -c 'exit 7'
    echo never
EOF
fails failing 1 'recipes/failing.yaml:12: step 2 (echo about to fail) failed with exit status 7'
check "failing: shows the tail of the log" grep -qF 'about to fail' "$scratch/err"
check "failing: tells of the shell" grep -q 'look around.* orch shell failing' "$scratch/err"

# Its disk, booted again.
echo 'cat /root/made; sh -e /run/orch/step-2; echo "again $?"; echo >/root/repaired; exit 5' >"$scratch/commands"
code "a shell where the step failed" 5 sh -c "'$orch' -C '$p' shell failing <'$scratch/commands'"
same "what the steps had made is there, and the step" 'first about to fail again 7 ' "$(tr '\n' ' ' <"$scratch/out")"
check "it says where it is" grep -q "'failing', where step 2 of 2 failed: sh -e /run/orch/step-2" "$scratch/err"
# On a terminal, with keys that are signals; what the last one changed is there.
TERMINAL_LIMIT=200 python3 tests/e2e/terminal.py '(failing) / $=[ -e /root/repaired ] && echo at $((40+2)); sleep 300\r' \
	'at 42=\x03' '(failing) / $=stty size; echo OR; exit 3\r' -- "$orch" -C "$p" shell failing >"$scratch/out" 2>&1
same "a terminal" 'exit 3 restored' "$(tail -n 2 "$scratch/out" | paste -sd ' ')"
check "whose own lines are not cut" grep -qx 'OR' "$scratch/out"
lacks "and no marker is seen" 'ORCH-' "$scratch/out"
vm busy 'outputs: {root.tar: /}' <<'EOF'
  - sleep 1000 >/root/open 2>&1 &
EOF
code "a shell before the steps" 0 sh -c "echo '[ ! -e /root/made ]' | '$orch' -C '$p' shell busy"
check "which it says" grep -q "'busy', before its 1 step " "$scratch/err"

vm panic 'outputs: {root.tar: /}' <<'EOF'
  - echo c >/proc/sysrq-trigger; sleep 60
EOF
fails panic 1 "kernel gave up"

vm hang 'outputs: {root.tar: /}' 'timeout: 40' <<'EOF'
  - echo waiting; sleep 1000
EOF
fails hang 10 "was not done in time"

vm off 'outputs: {root.tar: /}' <<'EOF'
  - echo o >/proc/sysrq-trigger; sleep 60
EOF
fails off 1 "the guest went off in step 1"

code "a program left behind does not spoil the disk" 0 "$orch" -C "$p" build busy

vm lost 'disks: [junk.img]' 'outputs: {root.tar: /}' <<'EOF'
  - "true"
EOF
fails lost 1 "disk 'junk'"

vm missing 'outputs: {x: /no/such/file}' <<'EOF'
  - "true"
EOF
fails missing 1 "there is no '/no/such/file'"

vm noroot 'outputs: {root.tar: /}' <<'EOF'
  - "true"
EOF
sed -i 's/PARTLABEL=root/PARTLABEL=other/' "$p/recipes/noroot.yaml"
fails noroot 1 "kernel gave up"

vm noqemu 'outputs: {root.tar: /}' <<'EOF'
  - echo no
EOF
mkdir "$scratch/bin"
code "without QEMU: exit code" 7 env PATH="$scratch/bin" "$orch" -C "$p" build noqemu
check "without QEMU: names it" grep -q 'qemu-system-' "$scratch/err"

# A disk of this machine that fills up, played by a tmpfs, ends the guest: it would lose what it writes.
printf 'kind: image\nsize: 3G\nfilesystem: ext4\n' >"$p/recipes/big.yaml"
vm fills 'disks: [big]' 'outputs: {root.tar: /}' 'timeout: 900' <<'EOF'
  - dd if=/dev/zero of=/mnt/big/x bs=1M count=2500 || echo the guest goes on
  - while :; do sleep 1; done
EOF
if unshare -rm true 2>/dev/null; then
	cat >"$scratch/inside.sh" <<'EOF'
mount -t tmpfs -o size=8G tmpfs "$1"
shift
"$@" disk big || exit 1
mount -n -t tmpfs -o remount,size=1200M tmpfs "$scratch/disk" # in full: else it repeats a foreign uid
exec "$@" fills
EOF
	code "the disk is full" 8 env scratch="$scratch" unshare -rm sh "$scratch/inside.sh" "$scratch/disk" \
		"$orch" -C "$p" --store "$scratch/disk/store" build
	check "which it says" grep -q 'no room left for what the guest writes' "$scratch/err"
else
	skip "a disk that fills up: no user namespaces here"
fi
finish
