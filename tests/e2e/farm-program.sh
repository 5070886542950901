#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Nodes that a program of the user's has made elsewhere, in a root that holds nothing but what was
# sent: to the same bytes as here. What may not be sent stays; what goes wrong there is told, and the
# node is made here.
. tests/e2e/lib.sh
. tests/e2e/farm-lib.sh

# An empty machine: only the directory, /proc, /dev and /tmp. BEFORE and AFTER are a case's own.
cat >"$scratch/elsewhere" <<END
#!/bin/sh
echo call >>"$scratch/calls"
[ -e "$scratch/before" ] && . "$scratch/before"
bwrap --bind "\$PWD" / --proc /proc --dev /dev --tmpfs /tmp --unshare-user --unshare-pid \\
	--unshare-net --die-with-parent --clearenv --setenv HOME /tmp --chdir / -- "\$@"
result=\$?
[ -e "$scratch/after" ] && . "$scratch/after"
exit \$result
END
chmod 755 "$scratch/elsewhere"
ORCH_EXECUTOR=program:$scratch/elsewhere

p=$scratch/p
mkdir -p "$p/recipes" "$p/rootfs/etc/sub"
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card, step]\n' \
	>"$p/recipes/project.yaml"
echo "a text" >"$p/rootfs/etc/text"
echo '#!/bin/sh' >"$p/rootfs/etc/sub/program"
chmod 755 "$p/rootfs/etc/sub/program"
ln -s sub/program "$p/rootfs/etc/link"
head -c 3000000 /dev/urandom >"$p/rootfs/etc/large"
host_tree "$p" /bin/sh /bin/cat /bin/mkdir /bin/chmod
cat >"$p/recipes/step.yaml" <<'END'
kind: run
root: tree
inputs: [rootfs/etc]
platform: {kvm: "yes"}
run: ["mkdir shut; echo >shut/x; chmod 500 shut; echo a line of the log; cat rootfs/etc/text rootfs/etc/link >log; echo >record"]
outputs: [log, record]
END
cat >"$p/recipes/root.yaml" <<'END'
kind: image
filesystem: ext4
size: 64M
contents: [{unpack: tree}, {copy: rootfs/, to: /}]
END
boot_and_card "$p"
calls() { wc -l <"$scratch/calls"; }

check "here" env -u ORCH_EXECUTOR ORCH_STORE="$scratch/here" "$ORCH" -C "$p" build card step boot root
digests "$p" >"$scratch/want"
rm -rf "$p/out"
export ORCH_EXECUTOR ORCH_STORE="$scratch/store"
code "a plan" 0 "$orch" -C "$p" plan card
same "tells what is not sent" "made here, not by the executor: tree: it uses programs of this machine" \
	"$(grep "made here" "$scratch/out")"
same "and what is sent where" "sent to program:$scratch/elsewhere: boot, root, card" "$(grep "sent to" "$scratch/out")"
code "a plan of a node that wants another machine" 0 "$orch" -C "$p" plan step
same "says so" "sent to program:$scratch/elsewhere, platform kvm=yes: step" "$(grep "sent to" "$scratch/out")"
same "and for programs" "program:$scratch/elsewhere yes null" \
	"$("$orch" -C "$p" plan --json step | jq -r '.nodes[] | select(.name == "step") | "\(.executor) \(.platform.kvm) \(.made_here)"')"
check "elsewhere" "$orch" -C "$p" build card step boot root
same "to the same bytes" "$(cat "$scratch/want")" "$(digests "$p")"
same "all but what uses this machine" 4 "$(calls)"
check "its log is here" sh -c '"$1" -C "$2" log step | grep -q "a line of the log"' sh "$orch" "$p"
same "one runtime" 1 "$(find "$ORCH_STORE/runtime" -mindepth 1 -maxdepth 1 -type d | wc -l)"
check "the digests of its files are kept" grep -q '^"*lib/libc.so.6' "$ORCH_STORE/runtime/known"
echo more >>"$p/rootfs/etc/large"
sed -i 's/[0-9]*$/1/' "$ORCH_STORE/runtime/known"
code "digests that are known of another state" 0 "$orch" -C "$p" build step --summary "$scratch/summary.md"
lacks "are not used" "warning" "$scratch/err"
check "the end of a build says what a farm made" grep -q ', 1 made on a farm$' "$scratch/err"
check "and so does its summary" grep -q ', 1 made on a farm$' "$scratch/summary.md"
check "and timings" sh -c '"$1" -C "$2" timings | grep -q "^run .*, 1 made on a farm$"' sh "$orch" "$p"
same "in JSON, too" 1 "$("$orch" -C "$p" timings --json | jq .remote.farmed)"
check "and runs" sh -c '"$1" -C "$2" runs | grep -q "  1 made"' sh "$orch" "$p"
same "in JSON, too" 1 "$("$orch" -C "$p" runs --json | jq '.runs[0].remote.farmed')"

echo "# what goes wrong"
again() { # NAME LINE: the program does LINE, and 'step' is made once more
	echo "# $1" >>"$p/rootfs/etc/text"
	rm -f "$scratch/before" "$scratch/after"
	[ "$2" = before ] && echo "$3" >"$scratch/before" || echo "$3" >"$scratch/after"
	code "$1" 0 "$orch" -C "$p" build step
}
again "other bytes come back" after 'echo more >>out/0'
check "is told" grep -q "sent other bytes as output 'log' .* made on this machine" "$scratch/err"
same "and not used" "# other bytes come back" "$(sed -n 2p "$p/out/step/log")"
again "what nobody wants back" after "[ -d scratch ] && rm -rf scratch && echo x >'$scratch/removed'"
check "is left to whoever gave the directory, who can remove it" [ -e "$scratch/removed" ]
again "an output is missing" after 'rm out/1'
check "is told" grep -q "output 'record' is missing in it; it is made" "$scratch/err"
again "an output is a link" after 'rm out/1; ln -s /etc/passwd out/1'
check "is told" grep -q "output 'record' is missing in it; it is made" "$scratch/err"
again "no result" after 'rm out/record'
check "is told" grep -q "out/record'.*it is made on this machine" "$scratch/err"
again "a garbled result" after 'head -c 1000 /dev/urandom >out/record'
check "is told" grep -q "malformed.*it is made on this machine" "$scratch/err"
again "another job arrives" before 'sed -i "s,in/0,../../in/0," job'
check "is told" grep -q "the job names '../../in/0', which.*it is made on this machine" "$scratch/err"
again "a garbled job arrives" before 'head -c 1000 /dev/urandom >job'
check "is told" grep -q "job.*malformed.*it is made on this machine" "$scratch/err"
again "an input is gone" before 'rm in/0 in/1'
check "is told" grep -q "is missing beside the job.*it is made on this machine" "$scratch/err"
again "the program ends" before 'exit 1'
check "is told" grep -q "it is made on this machine" "$scratch/err"
rm -f "$scratch/before" "$scratch/after"

echo "# the node's own failure"
sed -i 's/^run: .*/run: ["echo its last words; exit 3"]/' "$p/recipes/step.yaml"
: >"$scratch/calls"
code "fails" 1 "$orch" -C "$p" build step
check "with its log" sh -c '"$1" -C "$2" log step | grep -q "its last words"' sh "$orch" "$p"
same "once" 1 "$(calls)"

echo "# by hand"
mkdir "$scratch/hand"
cd "$scratch/hand" || exit 1
code "no job" 7 "${orch%/*}/orch-worker" worker --job nothing
check "and what is left says so" grep -q "nothing" out/record
ORCH_EXECUTOR=nonsense:1 code "an unknown executor" 2 "$orch" -C "$p" build step
finish
