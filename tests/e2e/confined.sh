#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Programs of this machine that orch starts see the files they are given, and nothing else of it. In their
# place stands a script that looks around and then becomes the real one.
. tests/e2e/lib.sh
. tests/e2e/users.sh
here=$PWD
export ORCH_STORE="$scratch/store"
mkdir -p "$scratch/bin" "$scratch/home" "$scratch/p/recipes"
echo canary >"$scratch/home/canary"
sleep 300 &
outside=$!
trap 'kill $outside 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
# spy PROGRAM NETWORK: what it got is told on stderr, which goes to the log
spy() {
	cat >"$scratch/bin/$1" <<END
#!/bin/sh
case "\$*" in --version | -version) exec $(command -v "$1") "\$@" ;; esac
{
	echo "SPY $1 \$*"
	if cat "$scratch/home/canary"; then echo "GOT the home"; fi
	if ls "$scratch/p/recipes"; then echo "GOT the project"; fi
	if ls "$ORCH_STORE/state.sqlite"; then echo "GOT the store"; fi
	if ls /proc/$outside; then echo "GOT other processes"; fi
	if touch /etc/x /usr/x; then echo "GOT the machine"; fi
	if unshare -r true; then echo "GOT namespaces"; fi
	if [ $2 = no ] && grep -v lo: /proc/net/dev | grep :; then echo "GOT the network"; fi
} >&2
exec $(command -v "$1") "\$@"
END
	chmod +x "$scratch/bin/$1"
}
for program in rauc mksquashfs qemu-system-aarch64 apt-cache; do spy $program no; done
spy apt-get yes
PATH=$scratch/bin:$PATH
# confined NAME FILE: what the spies told there
confined() {
	check "$1: it was started" grep -q "SPY $1 " "$2"
	lacks "$1: what it gets" 'GOT' "$2"
}
cd "$scratch/p" || exit 1
printf 'schema: 1\nname: confined\nversion: "1"\n' >recipes/project.yaml
cp "$here/recipes/pki.yaml" recipes/
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: noise, to: /}]\n' >recipes/root.yaml
head -c 100000 /dev/urandom >noise
printf 'kind: bundle\ncompatible: x\nversion: "1"\nimages: {rootfs: root}\nsign: pki\n' >recipes/bundle.yaml
check "keys" "$orch" pki init
code "a bundle" 0 "$orch" build bundle
"$orch" log bundle >"$scratch/log"
for program in rauc mksquashfs; do confined $program "$scratch/log"; done

# Says hello, repeats what it hears, and switches off at 'q': tests/e2e/boot.sh.
# arm64: prints the text at its end to the PL011 of 'virt', echoes, and calls PSCI's SYSTEM_OFF.
{
	printf '\101\002\000\020\002\040\241\322\040\024\100\070\140\000\000\064\100\000\000\271\375\377\377\027'
	printf '\103\030\100\271\343\377\047\067\100\000\100\271\000\034\000\022\037\304\001\161\140\000\000\124'
	printf '\100\000\000\271\371\377\377\027\000\200\260\322\000\001\200\362\002\000\000\324\000\000\000\024'
	printf 'hello from the firmware\r\n\000'
} >hello.bin
printf 'kind: board\nmachine: virt\ncpu: cortex-a57\nmemory: 64M\nfirmware: hello.bin\n' >recipes/virt.yaml
cat >recipes/card.yaml <<'END'
kind: disk
partitions:
  - {name: data, type: linux-generic, size: 4M, filesystem: ext4}
END
cat >recipes/test.yaml <<'END'
kind: test
board: virt
card: card
card-size: 64M
steps:
  - {power: "on"}
  - {wait: "hello from the firmware", within: 60}
  - {power: cut}
END
code "a scenario" 0 "$orch" build test
"$orch" log test >"$scratch/log"
confined qemu-system-aarch64 "$scratch/log"
code "a board" 0 sh -c "echo q | '$orch' boot card"
check "it is on" grep -q 'hello from the firmware' "$scratch/out"
confined qemu-system-aarch64 "$scratch/err"

echo "# libguestfs' QEMU, as libguestfs starts it"
spy appliance-qemu no
sed -i '$d' "$scratch/bin/appliance-qemu"
cat >>"$scratch/bin/appliance-qemu" <<END
cat "$scratch/p/noise" >/dev/null && echo "sees its disk" >&2
if echo x >>"$scratch/p/noise"; then echo "GOT a disk that is read" >&2; fi
ls "$scratch/libguestfs1" >&2
cat
exit 3
END
mkdir "$scratch/libguestfs1"
: >"$scratch/libguestfs1/socket"
printf 'program %s\nread %s\n' "$scratch/bin/appliance-qemu" "$scratch/p/noise" >"$scratch/hv.files"
worker=${orch%/*}/orch-worker
[ -e "$worker" ] || worker=${orch%/*}/../libexec/orch/orch-worker
code "its end is told" 3 sh -c 'echo typed | "$@"' sh "$worker" appliance "$scratch/hv" \
	-chardev "socket,path=$scratch/libguestfs1/socket,id=channel0"
confined appliance-qemu "$scratch/err"
check "it sees its disk" grep -q "sees its disk" "$scratch/err"
check "and its socket" grep -q "^socket" "$scratch/err"
same "its console is there" typed "$(cat "$scratch/out")"

check "an archive" users_archive "$scratch/p"
sed -i '$a archives: {own: {suites: [own], components: [main], keyring: keys/own.gpg}}' recipes/project.yaml
printf 'kind: debian\narch: amd64\narchives: [own]\npackages: [own-users]\n' >recipes/small.yaml
code "a lock, where packages are missing" 2 "$orch" lock small
cat "$ORCH_STORE"/apt/*/log/stderr >"$scratch/log"
confined apt-get "$scratch/log"

# An emulator that a recipe made.
cat >spy.c <<END
#include <stdio.h>
#include <unistd.h>

static void look(const char *path)
{
	if (access(path, F_OK) == 0)
		fprintf(stderr, "GOT %s\\n", path);
}

int main(void)
{
	fprintf(stderr, "SPY tree \\n");
	look("$scratch/home/canary");
	look("$scratch/p/recipes");
	look("$ORCH_STORE/state.sqlite");
	look("/proc/$outside");
	look("/sys/class/net/lo");
	look("/etc/hostname");
	puts("QEMU emulator version 9.9.9");
	return 0;
}
END
cat >recipes/tree.yaml <<'END'
kind: run
root: host
inputs: [spy.c]
run: ["mkdir -p t/usr/bin; cc -static -o t/usr/bin/qemu-system-aarch64 spy.c; tar -C t -cf qemu.tar ."]
outputs: [qemu.tar]
END
sed '$a emulator: "tree:qemu.tar"' recipes/virt.yaml >recipes/evil.yaml
mkdir -p "$scratch/config/orch"
echo 'trust-emulators: true' >"$scratch/config/orch/config.yaml"
export XDG_CONFIG_HOME="$scratch/config"
code "a board with an emulator of its own" 0 "$orch" build evil
"$orch" log evil >"$scratch/log"
confined tree "$scratch/log"
finish
