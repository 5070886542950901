#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a step could take from the user who builds it: his terminal, the keys of his login, calls and files
# that reach into his machine, memory and disk.
. tests/e2e/lib.sh
tests=$PWD/tests/e2e
mkdir -p "$scratch/p/recipes"
cd "$scratch/p" || exit 1
export ORCH_STORE="$scratch/store"
printf 'schema: 1\nname: escape\nversion: "1"\n' >recipes/project.yaml

# A step that tries every descriptor it has, and /dev/tty, to type a command into a terminal.
cat >recipes/typist.yaml <<'END'
kind: run
run:
  - |
    cat >try.py <<'PY'
    import fcntl, os
    TIOCSTI = 0x5412
    def types(fd):
        try:
            for c in b"echo typed-by-a-step\n":
                fcntl.ioctl(fd, TIOCSTI, bytes([c]))
        except OSError:
            return False
        return True
    fds = [fd for fd in range(64) if os.path.exists(f"/proc/self/fd/{fd}")]
    try:
        fds.append(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        print("has a terminal")
    except OSError:
        pass
    print("typed" if any([types(fd) for fd in fds]) else "typed nothing")
    PY
    python3 try.py >said
    rm try.py
outputs: [said]
END
python3 "$tests/terminal.py" -- "$ORCH" build typist >"$scratch/out" 2>&1
check builds-on-a-terminal grep -q '^exit 0$' "$scratch/out"
same no-terminal-of-the-user "typed nothing" "$(cat out/typist/said)"

# A shell has a terminal, but its own: job control works, and nothing it types reaches the caller.
cat >"$scratch/look.py" <<'END'
import fcntl, os, termios
os.close(os.open("/dev/tty", os.O_RDWR))
print("at", os.isatty(0), os.isatty(1), os.getsid(0) == os.getsid(os.getppid()), os.tcgetpgrp(0) == os.getpgrp())
END
printf 'kind: run\ninputs: [look.py]\nrun: ["touch x"]\noutputs: [x]\n' >recipes/plain.yaml
cp "$scratch/look.py" .
python3 "$tests/terminal.py" '$=python3 look.py\r' 'at True True True True=exit 5\r' \
	-- "$ORCH" shell plain >"$scratch/out" 2>&1
same shell-has-a-terminal-of-its-own 'exit 5
restored' "$(tail -n 2 "$scratch/out")"
cat >"$scratch/type.py" <<'END'
import fcntl
for c in b"echo typed\n":
    fcntl.ioctl(0, 0x5412, bytes([c]))
END
cp "$scratch/type.py" look.py
cat >"$scratch/caller.sh" <<END
"$ORCH" shell plain
read -t 1 -r line && echo "caller read: \$line"
exit 0
END
python3 "$tests/terminal.py" '$=exec python3 look.py\r' -- bash "$scratch/caller.sh" >"$scratch/out" 2>&1
check shell-cannot-type-to-its-caller grep -q '^exit 0$' "$scratch/out"
lacks caller-reads-nothing 'caller read' "$scratch/out"

# A key in the session keyring of the caller.
cat >"$scratch/keys.py" <<'END'
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
ADD, REQUEST, CTL = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}[platform.machine()]
JOIN, READ, SEARCH, SESSION = 1, 11, 10, -3
def search():
    return libc.syscall(CTL, SEARCH, SESSION, b"user", b"orch-canary", 0)
if sys.argv[1] == "hold":
    libc.syscall(CTL, JOIN, None)
    if libc.syscall(ADD, b"user", b"orch-canary", b"SECRET", 6, SESSION) < 0:
        sys.exit(77)
    if search() < 0:
        sys.exit(78)
    os.execvp(sys.argv[2], sys.argv[2:])
print("found" if search() >= 0 or libc.syscall(REQUEST, b"user", b"orch-canary", None, 0) >= 0 else "no key")
END
cp "$scratch/keys.py" .
printf 'kind: run\ninputs: [keys.py]\nrun: ["python3 keys.py look >said"]\noutputs: [said]\n' >recipes/thief.yaml
python3 "$scratch/keys.py" hold "$ORCH" build thief >"$scratch/out" 2>&1
case $? in
77) skip "keys of the caller's login: no keyrings here" ;;
0) same keys-of-the-login-stay-there "no key" "$(cat out/thief/said)" ;;
*)
	cat "$scratch/out"
	not_ok keys-of-the-login-stay-there
	;;
esac

# A link that a project brings along does not choose where its outputs and keys go.
printf 'kind: run\nrun: ["echo evil >authorized_keys"]\noutputs: [authorized_keys]\n' >recipes/keys.yaml
mkdir "$scratch/home"
echo mine >"$scratch/home/authorized_keys"
for link in out out/keys; do
	rm -rf out
	mkdir -p out
	[ $link != out ] || rmdir out
	ln -s "$scratch/home" $link
	code "$link is a link: refused" 2 "$ORCH" build keys
	check "$link is a link: it is said" grep -q "p/$link' is a link" "$scratch/err"
	same "$link is a link: nothing is written" "authorized_keys: mine" \
		"$(cd "$scratch/home" && find . -type f -printf '%P: ' -exec cat {} +)"
	rm $link
done
rm -rf out
mkdir -p out/keys
ln -s "$scratch/home/authorized_keys" out/keys/
code "an output replaces a link" 0 "$ORCH" build keys
same "and not what it leads to" "mine evil" "$(cat "$scratch/home/authorized_keys" out/keys/authorized_keys | xargs)"
for link in pki pki/private; do
	rm -rf pki
	mkdir pki
	[ $link != pki ] || rmdir pki
	ln -s "$scratch/home" $link
	code "$link is a link: no keys are made" 2 "$ORCH" pki init
	same "$link is a link: nor written" authorized_keys "$(cd "$scratch/home" && find . -type f -printf '%P ' | xargs)"
	rm $link
done

# What a step leaves is a way to the user for nobody: a set-id program least of all.
cat >recipes/leaver.yaml <<'END'
kind: run
run: ["cp /bin/true x; chmod 6777 x; ln -s /etc/passwd y; exit 1"]
outputs: [x]
END
code "a step leaves a set-id program" 1 "$ORCH" build leaver
same "it is there, where nobody else can go" "700 6777" \
	"$(stat -c %a "$ORCH_STORE"/failed/leaver.* "$ORCH_STORE"/failed/leaver.*/work/work/x | xargs)"

# Whatever the umask, nobody else can write to what is made, in the store and in out/.
rm -rf out
code "a build with umask 0" 0 sh -c 'umask 0; exec "$1" --store "$2" build keys' sh "$ORCH" "$scratch/open"
same "leaves nothing to others" "" "$(find "$scratch/open" out -perm -o+w ! -type l)"
chmod o+w "$scratch/open/cas"
code "what others can write to is no store" 7 "$ORCH" --store "$scratch/open" build keys

# Calls and files that lead out; what nested steps have more is in namespaces of their own.
cp "$tests/reach.py" .
printf 'kind: run\ninputs: [reach.py]\nrun: ["python3 reach.py >said"]\noutputs: [said]\n' >recipes/reach.yaml
{
	cat recipes/reach.yaml
	echo 'nested: true'
} >recipes/nested.yaml
code reaches-for-what-is-not-given 0 "$ORCH" build reach nested
same reaches-nothing nothing "$(cat out/reach/said)"
same nested-reaches-namespaces-of-its-own namespace-user "$(tr ' ' '\n' <out/nested/said | grep namespace-user)"
lacks and-nothing-else-of-the-machine '(^| )(keys|bpf|perf|io_uring|vsock|packet|/proc/sys|/proc/irq|/proc/k[cm])' out/nested/said
check check-names-nested-steps sh -c '"$1" check 2>&1 | grep -q "recipes/nested.yaml:5:9: .*\[nested-steps\]"' sh "$ORCH"

# What a step holds and writes has an end, and the message names the key.
limited() { # NODE KEY SCRIPT: with at most 64 MiB of KEY
	printf 'kind: run\n%s: 64M\nrun: ["%s; sleep 60"]\noutputs: [x]\n' "$2" "$3" >"recipes/$1.yaml"
	code "$1: is stopped" 8 "$ORCH" build "$1"
	check "$1: says the key" grep -q "recipes/$1.yaml:3: step 1 of 1: .*was stopped: .*64.0 MiB.*'$2:'" "$scratch/err"
}
limited holds memory 'head -c 300M /dev/zero | tail -n 1 >x'
limited shares memory "python3 -c 'import mmap, time; m = mmap.mmap(-1, 300 << 20); m.write(bytes(300 << 20)); time.sleep(60)' | cat"
limited buries memory "python3 -c 'import os, time; f = os.memfd_create(str()); [os.write(f, bytes(1 << 20)) for i in range(300)]; time.sleep(60)' | cat"
limited hides memory 'head -c 300M /dev/zero >/tmp/x'
# What nobody has attached is in nobody's memory: the sandbox has a limit of its own for all segments.
printf 'kind: run\nmemory: 64M\nrun: ["cat /proc/sys/kernel/shmall >x"]\noutputs: [x]\n' >recipes/segments.yaml
code "segments have a limit" 0 "$ORCH" build segments
case $(uname -r) in
[1-5].* | 6.[0-9].* | 6.10.*) skip "it is that of memory: not seen on such kernels" ;;
*) same "it is that of memory" $((64 * 1024 * 1024 / $(getconf PAGESIZE))) "$(cat out/segments/x)" ;;
esac
limited writes scratch 'for i in 1 2 3 4 5 6; do head -c 20M /dev/urandom >$i; done; sync'
finish
