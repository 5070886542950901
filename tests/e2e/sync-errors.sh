#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk that cannot write: each fsync of a build fails once. The node it belongs to fails and is not
# recorded, the store stays whole, and the next build is as if nothing had been. Also: what is synced
# before what is named.
. tests/e2e/lib.sh
p=$scratch/p
store=$scratch/store
mkdir -p "$p/recipes"
printf 'schema: 1\nname: demo\nversion: "1"\ndefault: [a, b]\n' >"$p/recipes/project.yaml"
printf 'kind: run\nrun: [echo a >x, echo said]\noutputs: [x]\n' >"$p/recipes/a.yaml"
printf 'kind: run\ninputs: [a]\nrun: [cat a a >x]\noutputs: [x]\n' >"$p/recipes/b.yaml"
if ! strace -o /dev/null true 2>/dev/null; then
	skip "no tracing here"
	finish
fi
# shellcheck disable=SC2317 # called by check
build() { "$orch" -C "$p" --store "$store" build -j1 --result-json "$scratch/result" >/dev/null 2>"$scratch/err"; }

check "a build without faults" build
rm -rf "$store" "$p/out"
strace -f -o "$scratch/trace" -e trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64 "$orch" \
	-C "$p" --store "$store" build -j1 >/dev/null 2>&1
blobs=$(grep -c 'rename.*/cas/' "$scratch/trace")
same "two blobs are named" 2 "$blobs"
# For each rename into cas/: that process's last call before it is the blob's fsync, the next the directory's.
order=$(awk '/rename.*\/cas\// { if (last[$1] !~ /fsync/) print "not synced before: " $0; want[$1] = 1 }
	/fsync/ { want[$1] = 0 }
	{ last[$1] = $0 }
	END { for (p in want) if (want[p]) print "directory not synced by " p }' "$scratch/trace")
same "data before name, directory after" "" "$order"

failed=0
for call in fsync fdatasync; do
	for n in 1 2 3 4 5 6 8 10; do
		rm -rf "$store" "$p/out"
		"$orch" --store "$store" store verify >/dev/null 2>&1 # made without the faults
		code=0
		strace -f -o "$scratch/trace" -e "trace=$call" -e "inject=$call:error=EIO:when=$n" "$orch" -C "$p" \
			--store "$store" build -j1 --result-json "$scratch/result" >/dev/null 2>"$scratch/err" || code=$?
		hit=$(grep -c INJECTED "$scratch/trace")
		[ "$hit" -gt 0 ] || continue
		[ "$code" != 0 ] && failed=$((failed + 1))
		code "$call $n: the store is whole" 0 "$orch" --store "$store" store verify
		check "$call $n: the next build" build
		same "$call $n: its result" "a a " "$(tr '\n' ' ' <"$p/out/b/x")"
	done
done
check "some builds did fail" test "$failed" -ge 2
finish
