# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# For e2e scripts, which run as an ordinary user in a copy of the tree:  . tests/e2e/lib.sh
#
# Given: $ORCH, the program (its worker is found from there); $ORCH_ASAN, the same with sanitizers. A
# script tells 'ok NAME', 'not ok NAME' or 'skip NAME' for everything it looks at and ends with
# 'finish'. Its row in tests/meson.build sets its time limit.
set -u
: "${ORCH:=$PWD/_build/engine/cli/orch}"
: "${ORCH_ASAN:=$ORCH}"
[ -x "$ORCH" ] || { echo "no program '$ORCH': ./dev build"; exit 1; }
failures=0
PATH=$PATH:/usr/sbin:/sbin # where e2fsck and sfdisk are
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/e2e.XXXXXX")
orch=$ORCH # what is tested; a script may take the other
result=$scratch/result.json
trap 'chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 129' HUP # a shell that dies of a signal does not do what EXIT asks for
trap 'exit 130' INT
trap 'exit 143' TERM

# copy_orch ORCH DIRECTORY: all programs, the others beside it.
copy_orch() {
	copied_worker=${1%/*}/orch-worker
	[ -e "$copied_worker" ] || copied_worker=${1%/*}/../libexec/orch/orch-worker # as installed
	cp "$1" "$2/orch" && cp "$copied_worker" "${copied_worker%/*}/orch-launcher" "$2/"
}

ok() { printf 'ok %s\n' "$*"; }
not_ok() {
	printf 'not ok %s\n' "$*"
	failures=$((failures + 1))
}
skip() { printf 'skip %s\n' "$*"; }

# needs_grpc: ends this script where orch was built without it (meson: -Dremote=disabled).
needs_grpc() {
	if "${ORCH_ASAN%/engine/cli/orch}/tests/place" grpc://127.0.0.1:1 2>&1 | grep -q "built without gRPC"; then
		skip "this orch was built without gRPC"
		exit 77
	fi
}

# check NAME COMMAND...: the command must succeed.
check() {
	check_name=$1
	shift
	if "$@" >"$scratch/check.out" 2>&1; then
		ok "$check_name"
	else
		echo "  $* -> $?"
		tail -n 40 "$scratch/check.out" | sed 's/^/  /'
		not_ok "$check_name"
	fi
}

# sealed LOCK: makes its digest line fit what is in it.
sealed() {
	sed -i '/^digest /d' "$1"
	echo "digest $(sha256sum <"$1" | cut -d' ' -f1)" >>"$1"
}

# same NAME EXPECTED GOT: the two strings must be equal.
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		printf '  expected: %s\n  got:      %s\n' "$2" "$3"
		not_ok "$1"
	fi
}

# code NAME EXPECTED COMMAND...: the command must exit with that status. Its output: $scratch/out, err.
code() {
	code_name=$1
	code_want=$2
	shift 2
	code_got=0
	"$@" >"$scratch/out" 2>"$scratch/err" || code_got=$?
	if [ "$code_got" = "$code_want" ]; then
		ok "$code_name"
	else
		echo "  $*: exit $code_got, not $code_want"
		tail -n 30 "$scratch/out" "$scratch/err" | sed 's/^/  /'
		not_ok "$code_name"
	fi
}

# lacks NAME PATTERN FILE: FILE has text, and no line of it matches PATTERN (extended).
lacks() {
	check "$1" sh -c '[ -s "$2" ] && { grep -nE -e "$1" "$2"; [ $? = 1 ]; }' sh "$2" "$3"
}

# empty NAME DIRECTORY: it is there and nothing is in it.
empty() {
	check "$1" sh -c '[ -d "$1" ] && ls -A "$1" && [ -z "$(ls -A "$1")" ]' sh "$2"
}

# processes PATTERN: the pids of those whose command line matches it, or why nobody can say.
processes() {
	processes_code=0
	pgrep -f -- "$1" || processes_code=$?
	[ $processes_code -le 1 ] || echo "pgrep: exit $processes_code"
}

# in_ext4 IMAGE PATH: "yes", "no", or what debugfs complains about.
in_ext4() {
	in_ext4_said=$(debugfs -R "stat $2" "$1" 2>&1)
	case $in_ext4_said in
	*"Inode: "*) echo yes ;;
	*"$2: File not found by ext2_lookup"*) echo no ;;
	*) echo "$in_ext4_said" ;;
	esac
}

# built DIRECTORY [ARG...]: the nodes that a build there built, in the order of the alphabet on one
# line, or "exit N" and the last of what it said. Writes $result, $scratch/out and err.
built() {
	built_in=$1
	shift
	if "$orch" -C "$built_in" build --result-json "$result" "$@" >"$scratch/out" 2>"$scratch/err"; then
		names built
	else
		echo "exit $?: $(tail -n 3 "$scratch/err")"
	fi
}
# names STATUS: the nodes of the last result that ended so, as built() has them.
names() { jq -r --arg s "$1" '[.nodes[] | select(.status == $s).name] | sort | join(" ")' "$result"; }
# status_of NODE: how it ended in the last result.
status_of() { jq -r --arg n "$1" '.nodes[] | select(.name == $n).status' "$result"; }

# small_project DIR: five run nodes with six outputs; the target is 'all'. Leaves start a daemon each, so
# that processes left behind are seen:  pgrep -f "sleep 7654.$$"
small_project() {
	mkdir -p "$1/recipes" "$1/src/sub"
	printf 'schema: 1\nname: small\nversion: "1"\ndefault: [all]\n' >"$1/recipes/project.yaml"
	echo one >"$1/src/one"
	echo two >"$1/src/sub/two"
	for i in 1 2 3; do
		cat >"$1/recipes/leaf$i.yaml" <<END
kind: run
inputs: [src]
run: ["cat src/one src/sub/two >x; echo $i >>x; (sleep 7654.$$ &) "]
outputs: [x]
END
	done
	cat >"$1/recipes/two.yaml" <<'END'
kind: run
inputs: [leaf1, leaf2]
run: ["cat leaf1 leaf2 >a; mkdir d; dd if=a of=b bs=1 seek=3000000 2>/dev/null"]
outputs: [a, b]
END
	cat >"$1/recipes/all.yaml" <<'END'
kind: run
inputs: [two, leaf3]
run: ["cat two/a two/b leaf3 | sha256sum >sum"]
outputs: [sum]
END
}
# reference_project DIR: a copy of the project that this tree makes, with development keys.
reference_project() {
	mkdir "$1"
	cp -R recipes rootfs custom_build tests "$1/"
	if [ -d pki ]; then cp -R pki "$1/"; fi
	[ -f "$1/pki/private/signer.key" ] || "$ORCH" -C "$1" pki init >/dev/null
}
# qemu_tree PROGRAM: a recipe of a tree with this machine's PROGRAM of QEMU and all it needs. Whoever
# uses it for a board trusts it.
qemu_tree() {
	mkdir -p "$scratch/config/orch"
	echo 'trust-emulators: true' >"$scratch/config/orch/config.yaml"
	cat <<END
kind: run
root: host
run:
  - |
    program=/usr/bin/$1
    libraries=t/usr/lib/qemu
    mkdir -p t/usr/bin t/usr/share \$libraries/qemu
    cp \$program t/usr/bin/
    cp -RL /usr/share/qemu t/usr/share/
    if [ -d /usr/share/seabios ]; then cp -RL /usr/share/seabios t/usr/share/; fi
    ldd \$program | grep -o '/[^ ]*' | while read -r file; do cp -L "\$file" \$libraries/; done
    loader=\$(ldd \$program | sed -n 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p')
    mkdir -p "t\$(dirname "\$loader")"
    ln -s "/usr/lib/qemu/\$(basename "\$loader")" "t\$loader"
    cp /usr/lib/*/qemu/accel-*.so \$libraries/qemu/ || :
    tar -C t -cf qemu.tar .
outputs: [qemu.tar]
END
}
# hello_firmware amd64|arm64: code for machine 'pc', or 'virt', that says hello on the serial line. That of
# arm64 echoes what it hears, and switches off at 'q'.
hello_firmware() {
	case $1 in
	amd64) # 64 KiB: prints the text behind it, then halts; the processor starts 16 bytes before the end
		printf '\276\022\000\272\370\003\056\254\204\300\164\003\356\353\367\364\353\375'
		printf 'hello from the firmware\r\n\000'
		head -c 65476 /dev/zero
		printf '\352\000\000\000\360'
		head -c 11 /dev/zero
		;;
	arm64) # prints the text at its end to the PL011, echoes, and calls PSCI's SYSTEM_OFF
		printf '\101\002\000\020\002\040\241\322\040\024\100\070\140\000\000\064\100\000\000\271\375\377\377\027'
		printf '\103\030\100\271\343\377\047\067\100\000\100\271\000\034\000\022\037\304\001\161\140\000\000\124'
		printf '\100\000\000\271\371\377\377\027\000\200\260\322\000\001\200\362\002\000\000\324\000\000\000\024'
		printf 'hello from the firmware\r\n\000'
		;;
	esac
}
# digests RESULT.JSON: what was built, one line per output.
digests() {
	jq -r '.nodes[] | .name + " " + (.outputs[] | .name + " " + .digest)' "$1" | sort
}

finish() {
	[ "$failures" = 0 ]
	exit
}
