#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind run: what steps see, what they may do, what becomes of their outputs, and what is said.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes/ns" "$p/src/deep"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [seen]\n' >"$p/recipes/project.yaml"
echo one >"$p/src/a.txt"
echo two >"$p/src/deep/b"
chmod 700 "$p/src/deep/b"
ln -s ../a.txt "$p/src/deep/link"
echo secret >"$p/undeclared"
recipe() { # NAME, text on stdin
	cat >"$p/recipes/$1.yaml"
}
# shellcheck disable=SC2317 # called by check
build() { "$orch" -C "$p" build "$@" >"$scratch/out" 2>"$scratch/err"; }
# says NAME NODE PATTERN: the node fails as a build does, and the message has PATTERN.
says() {
	code "$1" 1 "$orch" -C "$p" build "$2"
	check "$1: message" grep -q -- "$3" "$scratch/err"
}

echo "# inputs"
recipe two <<'END'
kind: run
run: [echo 1 >x.bin, [cp, x.bin, y.bin]]
outputs: [x.bin, y.bin]
END
recipe ns/only <<'END'
kind: run
run: [echo only >some-name]
outputs: [some-name]
END
recipe seen <<'END'
kind: run
inputs: [src/deep, src/a.txt, two, ns/only, "two:y.bin"]
run:
  - find . -type f -o -type l >/tmp/l; LC_ALL=C sort /tmp/l >list
  - cat src/deep/link ns/only two/x.bin >content
  - find . -printf '%P %m %T@\n' | LC_ALL=C sort >modes
  - env | LC_ALL=C sort >env; umask >>env
  - ls / >root; ls /work/.. >/dev/null
  - cat /proc/net/route >net
outputs: [list, content, modes, env, net, root]
END
check "a node with inputs of all sorts" build seen
o=$p/out/seen
same "names" "./ns/only ./src/a.txt ./src/deep/b ./src/deep/link ./two/x.bin ./two/y.bin ./y.bin " \
	"$(tr '\n' ' ' <"$o/list")"
same "content, through a link" "one only 1 " "$(tr '\n' ' ' <"$o/content")"
same "executable" "src/deep/b 555 1704067200.0000000000" "$(grep '^src/deep/b' "$o/modes")"
same "read-only" "src/a.txt 444 1704067200.0000000000" "$(grep '^src/a.txt' "$o/modes")"
same "read-only directory" "src/deep 555 1704067200.0000000000" "$(grep '^src/deep ' "$o/modes")"
same "environment" "HOME=/tmp LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PWD=/work SOURCE_DATE_EPOCH=1704067200 TZ=UTC 0022 " \
	"$(tr '\n' ' ' <"$o/env")"
same "no network" 1 "$(wc -l <"$o/net")"
same "no home, no project" 0 "$(grep -cE '^(home|root|var|mnt)$' "$o/root")"

recipe variables <<'END'
kind: run
inputs: ["two:y.bin"]
run: ['echo "$MODE $ONE" >x', 'echo "$TWO" >>x']
env: {MODE: release, ONE: "${two:x.bin}-${ns/only:some-name}", TWO: "a 'b'\n$$c"}
outputs: [x]
END
check "variables, with values of outputs" build variables
same "are as written" "release 1-only a 'b' \$\$c " "$(tr '\n' ' ' <"$p/out/variables/x")"
sed -i 's/echo 1 >x.bin/echo 1 >x.bin; date +%N >y.bin/; s/\[cp, x.bin, y.bin\]/"true"/' "$p/recipes/two.yaml"
sed -i '/^inputs/d' "$p/recipes/variables.yaml"
check "without the input that changes" build variables
sed -i 's/date +%N/date +%s%N/' "$p/recipes/two.yaml"
check "the node of a value is built again" build two variables
check "to the same line, which builds nothing else" grep -q "built 1, cached 2," "$scratch/err"

recipe blind <<END
kind: run
inputs: [src]
run: ["for f in $p/undeclared ../undeclared $p; do if ls \$f; then exit 1; fi; done; touch x"]
outputs: [x]
END
check "nothing else of the project" build blind
recipe writes <<'END'
kind: run
inputs: [src]
run: [echo changed >src/a.txt]
END
says "an input cannot be written" writes "recipes/writes.yaml:3: step 1 of 1 failed: exited with 2"
same "and is as it was" one "$(cat "$p/src/a.txt")"
recipe clash <<'END'
kind: run
inputs: [two, "ns/only:some-name", clash-other:some-name]
outputs: []
END
recipe clash-other <<'END'
kind: run
run: [touch some-name]
outputs: [some-name]
END
code "two inputs of one name" 2 "$orch" -C "$p" build clash
check "are told" grep -q "two inputs have the name 'some-name'" "$scratch/err"

echo "# outputs"
recipe copy <<'END'
kind: run
inputs: [src/a.txt, ns/only]
outputs: []
END
check "no steps, no outputs" build copy
recipe pass <<'END'
kind: run
inputs: ["ns/only:some-name"]
outputs: [some-name]
END
check "no steps: an input passed on" build pass
same "its content" only "$(cat "$p/out/pass/some-name")"
recipe missing <<'END'
kind: run
run: ["true"]
outputs: [there-is-none]
END
says "a missing output" missing "recipes/missing.yaml:3:11: outputs: the steps left no 'there-is-none'"
recipe link <<'END'
kind: run
run: [ln -s /etc/passwd x]
outputs: [x]
END
says "a link" link "outputs: 'x' is a link"
recipe directory <<'END'
kind: run
run: [mkdir x]
outputs: [x]
END
says "a directory" directory "outputs: 'x' is a directory"
recipe closed <<'END'
kind: run
run: [echo closed >x; chmod 0 x]
outputs: [x]
END
check "an output nobody may read" build closed
same "its content" closed "$(cat "$p/out/closed/x")"
recipe stays <<'END'
kind: run
run: ['(sleep 60; echo late >>x) & echo early >x']
outputs: [x]
END
check "a process left behind" build stays
same "changes nothing" early "$(cat "$p/out/stays/x")"

echo "# steps"
recipe second <<'END'
kind: run
run:
  - "true"
  - [sh, -c, "exit 3"]
  - touch never
outputs: []
END
says "the step is named" second "recipes/second.yaml:4: step 2 of 3 failed: exited with 3"
recipe killed <<'END'
kind: run
run: ['kill -9 $$']
END
says "a signal" killed "SIGKILL"
recipe nothere <<'END'
kind: run
run: [[./no-such-program]]
END
says "a program that is not there" nothere "no-such-program"
recipe late <<'END'
kind: run
run: [sleep 100]
timeout: 1
END
code "a deadline" 10 "$orch" -C "$p" build late
recipe missing-tool <<'END'
kind: run
run: [[no-such-tool-at-all, x]]
END
code "a program of the host that is missing" 7 "$orch" -C "$p" build missing-tool
recipe long <<END
kind: run
run:
  - |
    : $(head -c 200000 /dev/zero | tr '\0' x)
    echo fine >x
outputs: [x]
END
check "a script longer than an argument may be" build long

echo "# many and large"
mkdir "$p/many"
(cd "$p/many" && seq 10000 | while read -r i; do echo "$i" >"f$i"; done)
{
	echo "kind: run"
	echo "inputs:"
	seq 10000 | sed 's/.*/  - many\/f&/'
	echo "run: ['cat many/* | sort -n | md5sum >sum']"
	echo "outputs: [sum]"
} >"$p/recipes/many.yaml"
check "ten thousand inputs" build many
same "all there" "$(seq 10000 | md5sum)" "$(cat "$p/out/many/sum")"
recipe large <<'END'
kind: run
run: [truncate -s 200M big.img; printf end >>big.img]
outputs: [big.img]
END
recipe reads <<'END'
kind: run
inputs: [large]
run: ["tail -c 3 large >x; if echo x >>large; then exit 1; fi"]
outputs: [x]
END
check "a large input" build reads
same "is there" end "$(cat "$p/out/reads/x")"

echo "# a tree as root"
recipe tree <<'END'
kind: run
run:
  - |
    mkdir -p r/usr/bin r/usr/lib r/usr/lib64 r/etc/d
    cp /bin/sh r/usr/bin/sh
    cp /bin/cat r/usr/bin/cat
    for l in $(ldd /bin/sh /bin/cat | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
      mkdir -p r/usr/$(dirname $l); cp -L $l r/usr/$l
    done
    for d in bin lib lib64; do ln -s usr/$d r/$d; done
    echo inside >r/etc/d/file
    chmod 0600 r/etc/d/file
    ln r/etc/d/file r/etc/hard
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C r -cf root.tar .
outputs: [root.tar]
END
recipe in-tree <<'END'
kind: run
root: tree
inputs: [src/a.txt, "tree:/etc/d"]
run: ["cat src/a.txt /etc/hard d/file >x; if cat /usr/bin/ldd || echo x >/etc/new; then exit 1; fi"]
outputs: [x]
END
check "a node in it" build in-tree
same "sees it" "one inside inside " "$(tr '\n' ' ' <"$p/out/in-tree/x")"
sed -i 's/^outputs/# again\nrun: [cat src\/a.txt >x]\noutputs/; 0,/^run/{/^run/d}' "$p/recipes/in-tree.yaml"
check "the root is used again" build in-tree
same "and unpacked once" 1 "$(find "$ORCH_STORE/roots" -maxdepth 1 -type d -name '*.*' | wc -l)"
recipe no-inside <<'END'
kind: run
inputs: ["tree:/etc/nothing"]
outputs: []
END
code "a path that the tree has not" 2 "$orch" -C "$p" build no-inside
check "is told" grep -q "there is no '/etc/nothing' in the tree" "$scratch/err"

echo "# recipes"
mkdir "$scratch/bin"
printf '#!/bin/sh\necho "$@" >>%s\n' "$scratch/ran" >"$scratch/bin/own-tool"
chmod +x "$scratch/bin/own-tool"
PATH=$scratch/bin:$PATH
recipe tooled <<'END'
kind: run
root: host
tools: [own-tool]
run: ["echo >x"]
outputs: [x]
END
check "a tool" "$orch" -C "$p" build tooled
code "unchanged" 0 "$orch" -C "$p" plan --exit-code tooled
echo '# another' >>"$scratch/bin/own-tool"
code "changed: to be built" 3 "$orch" -C "$p" plan --exit-code tooled
code "check, which knows of mistakes" 2 "$orch" -C "$p" check
check "and was never run" test ! -e "$scratch/ran"
recipe bad <<'END'
kind: run
root: tree
tools: [gcc]
outputs: [x, y, x]
END
code "mistakes" 2 "$orch" -C "$p" plan bad
check "tools with a tree" grep -q 'recipes/bad.yaml:3:8: tools are for root' "$scratch/err"
check "an output named twice" grep -q "recipes/bad.yaml:4:10: output 'x' is named twice" "$scratch/err"
recipe bad <<'END'
kind: run
outputs: [../up]
END
code "a name that leads out" 2 "$orch" -C "$p" plan bad
check "is told" grep -q "recipes/bad.yaml:2:11: '../up' is not a name" "$scratch/err"
finish
