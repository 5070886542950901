#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Calls that fail anywhere, in orch and its workers: one of all reads, writes, opens, renames, syncs, … says
# EIO or ENOSPC, or does a part of its work. The build ends with the right class, no store is damaged, nothing
# wrong is recorded, and the next build gives the digests of an undisturbed one. Then the same in 'store gc':
# what it keeps is whole, and what it must keep is there. FAULTS=500 makes more of them, SEED=N others.
. tests/e2e/lib.sh
faults=${FAULTS:-60}
seed=${SEED:-1}
p=$scratch/p
export ORCH_STORE="$scratch/store"
small_project "$p"
cc -O1 -fPIC -shared -o "$scratch/faulty.so" tests/faulty.c || exit 1
printf 'kind: tree\narch: amd64\ncontents: [{copy: src/, to: /opt}]\nusers: []\n' >"$p/recipes/tree.yaml"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{unpack: "tree:root.tar"}, {copy: leaf1, to: /x}]\n' >"$p/recipes/image.yaml"
printf 'kind: disk\nsize: 24M\npartitions:\n  - {name: root, type: linux-generic, size: 8M, from: image}\n' >"$p/recipes/disk.yaml"
tar -C "$p/src" --sort=name --mtime=@1 --owner=0 --group=0 -cf "$scratch/src.tar" .
printf 'kind: fetch\nurl: "file://%s"\nsha256: %s\n' "$scratch/src.tar" \
	"$(sha256sum <"$scratch/src.tar" | cut -c1-64)" >"$p/recipes/fetched.yaml"
sed -i 's/^default.*/default: [all, disk, fetched]/' "$p/recipes/project.yaml"
build() { "$orch" -C "$p" build --result-json "$result" >"$scratch/out" 2>"$scratch/err"; }
# faulty HOW N [COMMAND...]: a build, or that of orch, in which call N fails (0: none does); $hits and $calls tell
# how often and of how many.
faulty() {
	faulty_how=$1
	faulty_nth=$2
	shift 2
	[ $# -gt 0 ] || set -- -C "$p" build --result-json "$result"
	: >"$scratch/state"
	truncate -s 16 "$scratch/state"
	faulty_code=0
	env LD_PRELOAD="$scratch/faulty.so" FAULTY_ROOT="$scratch" FAULTY_STATE="$scratch/state" FAULTY_HOW="$faulty_how" \
		FAULTY_NTH="$faulty_nth" "$orch" "$@" >"$scratch/out" 2>"$scratch/err" || faulty_code=$?
	read -r calls hits <<-END
		$(od -An -td8 "$scratch/state")
	END
}
# classes HOW: the exit codes that it may end with.
classes() {
	case $1 in
	EIO) echo " 0 1 2 4 6 7 " ;;
	ENOSPC) echo " 0 6 8 " ;;
	gc) echo " 0 1 4 6 7 8 " ;;
	*) echo " 0 " ;;
	esac
}
cp "$p/recipes/leaf1.yaml" "$scratch/leaf1.yaml"
check "an undisturbed build" build
digests "$result" >"$scratch/want"
# same_again HOW N: the store is whole, and a build gives the same.
same_again() {
	"$orch" store verify >"$scratch/verify" 2>&1 || { echo "  $1 $2: verify: $(tail -n 2 "$scratch/verify")"; return 1; }
	build || { echo "  $1 $2: the next build: $(tail -n 2 "$scratch/err")"; return 1; }
	digests "$result" | cmp -s - "$scratch/want" || { echo "  $1 $2: the next build has other digests"; return 1; }
}
attempt() { # HOW N
	faulty "$1" "$2"
	[ "$hits" -gt 0 ] || return 0
	done=$((done + 1))
	case $(classes "$1") in
	*" $faulty_code "*) ;;
	*) echo "  $1 $2: exit $faulty_code: $(tail -n 3 "$scratch/err")"; return 1 ;;
	esac
	if [ "$faulty_code" = 0 ] && ! digests "$result" | cmp -s - "$scratch/want"; then
		echo "  $1 $2: claims success with other digests"
		return 1
	fi
	same_again "$1" "$2"
}
# next LIMIT: a number from 1 to LIMIT, the same each time for one seed.
next() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	number=$((seed / 7 % $1 + 1))
}
for how in EIO ENOSPC short; do
	rm -rf "$ORCH_STORE" "$p/out"
	faulty $how 0
	same "$how: nothing fails when nothing is to" 0 "$faulty_code"
	most=$calls
	done=0 bad=0 n=0
	while [ $n -lt $((faults / 3)) ]; do
		n=$((n + 1))
		[ $((n % 3)) != 0 ] || rm -rf "$ORCH_STORE" "$p/out"
		sed "s|cat src/one|: $how $n; cat src/one|" "$scratch/leaf1.yaml" >"$p/recipes/leaf1.yaml"
		next "$most"
		attempt $how "$number" || bad=$((bad + 1))
	done
	same "$how: builds that ended wrong" 0 $bad
	check "$how: there were some" test $done -gt $((faults / 15))
done

# What a gc removes: a failed node, a download, and results that no build has asked for since.
fill() {
	rm -rf "$ORCH_STORE" "$p/out"
	build || return 1
	for i in 1 2 3 4 5; do
		printf 'kind: run\nrun: ["head -c %s000 /dev/urandom >x"]\noutputs: [x]\n' "$i" >"$p/recipes/old$i.yaml"
	done
	printf 'kind: run\nrun: ["exit 1"]\noutputs: []\n' >"$p/recipes/bad.yaml"
	"$orch" -C "$p" build old1 old2 old3 old4 old5 >/dev/null 2>&1 || return 1
	! "$orch" -C "$p" build bad >/dev/null 2>&1 || return 1
	rm "$p"/recipes/old?.yaml "$p/recipes/bad.yaml"
	build # the newest: gc --size takes the others first
}
cp "$scratch/leaf1.yaml" "$p/recipes/leaf1.yaml"
for how in EIO ENOSPC EINTR short; do
	check "$how: a store to collect" fill
	chmod -R u+w "$scratch/full" 2>/dev/null
	rm -rf "$scratch/full"
	cp -a "$ORCH_STORE" "$scratch/full"
	faulty $how 0 store gc --size 200K
	same "$how: gc when nothing is to fail" 0 "$faulty_code"
	most=$calls
	done=0 bad=0 n=0
	while [ $n -lt $((faults / 12)) ]; do
		n=$((n + 1))
		chmod -R u+w "$ORCH_STORE"
		rm -rf "$ORCH_STORE"
		cp -a "$scratch/full" "$ORCH_STORE"
		next "$most"
		faulty $how "$number" store gc --size 200K
		[ "$hits" -gt 0 ] || continue
		done=$((done + 1))
		case $(classes gc) in
		*" $faulty_code "*) ;;
		*)
			echo "  gc, $how $number: exit $faulty_code: $(tail -n 3 "$scratch/err")"
			bad=$((bad + 1))
			;;
		esac
		same_again "gc, $how" "$number" || bad=$((bad + 1))
		"$orch" store gc --size 200K >"$scratch/out" 2>&1 || { echo "  gc again, $how $number: $(tail -n 2 "$scratch/out")"; bad=$((bad + 1)); }
	done
	same "$how: collections that ended wrong" 0 $bad
	check "$how: there were some of gc" test $done -gt 0
done
finish
