#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Unpacked trees that programs run in: what was changed in one, size and times put back, is in no result.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
orch=$ORCH_ASAN
if ! unshare -rm true 2>/dev/null; then
	skip "no user namespaces here"
	finish
fi
mkdir -p "$p/recipes"
printf 'schema: 1\nname: roots\nversion: "1"\n' >"$p/recipes/project.yaml"
cat >"$p/recipes/tree.yaml" <<'END'
kind: run
run:
  - |
    mkdir -p r/usr/bin r/usr/lib64 r/etc/d
    cp /bin/sh r/usr/bin/sh
    cp /bin/cat r/usr/bin/cat
    for l in $(ldd /bin/sh /bin/cat | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
      mkdir -p r/usr/$(dirname $l); cp -L $l r/usr/$l
    done
    for d in bin lib lib64; do ln -s usr/$d r/$d; done
    echo inside >r/etc/d/file
    echo other >r/etc/d/more
    ln -s file r/etc/d/link
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C r -cf root.tar .
outputs: [root.tar]
END
node() { # NAME WORD
	printf 'kind: run\nroot: tree\nrun: ["cat /etc/d/link >x; echo %s >>x; : %s; [ ! -e /etc/d/new ] || cat /etc/d/new >>x"]\noutputs: [x]\n' \
		"$2" "$1" >"$p/recipes/$1.yaml"
}
root() { find "$ORCH_STORE/roots" -mindepth 1 -maxdepth 1 -type d; }
# change FILE SED: edits it in the root, and puts size and times back.
change() {
	change_file=$(root)/$1
	cp -p "$change_file" "$scratch/before"
	chmod u+w "$change_file"
	sed "$2" "$scratch/before" | cat >"$change_file"
	chmod --reference="$scratch/before" "$change_file"
	touch -r "$scratch/before" "$change_file"
}
said() { check "$1: it is said" grep -q "unpacked tree of 'tree' in the store had changed" "$scratch/err"; }

node one a
node two a
same "first build" "one tree two" "$(built "$p" one two)"
seal=$(root).seal
check "the root has a seal" test -s "$seal"
cp "$seal" "$scratch/seal"
same "nothing to do" "" "$(built "$p" one two)"
check "a no-op looks at no root" cmp "$seal" "$scratch/seal"
node one b
same "an edit" "one" "$(built "$p" one two)"
check "the root was looked at" sh -c 'cmp -s "$1" "$2"; [ $? = 1 ]' sh "$seal" "$scratch/seal"
lacks "and is as it was" 'had changed' "$scratch/err"

echo "# changed between two runs"
n=0
for how in 's/inside/insane/' 's/^i/I/' remove add link mode; do
	n=$((n + 1))
	case $how in
	s/*) change etc/d/file "$how" ;;
	remove) rm "$(root)/etc/d/file" ;;
	add) echo added >"$(root)/etc/d/new" ;;
	link) ln -sf more "$(root)/etc/d/link" ;;
	mode) chmod 000 "$(root)/etc/d/file" ;;
	esac
	node one "c$n"
	check "$how" "$orch" -C "$p" build one two --result-json "$result"
	cp "$scratch/check.out" "$scratch/err"
	said "$how"
	same "$how: the result is right" "inside c$n" "$(tr '\n' ' ' <"$p/out/one/x" | sed 's/ $//')"
done

echo "# a large one"
sed -i 's/^    echo inside/    head -c 70M \/dev\/zero >r\/etc\/large\n&/' "$p/recipes/tree.yaml"
same "another tree" "one tree two" "$(built "$p" one two)"
rm -rf "$ORCH_STORE"/roots/*
node one d
same "its root is made again" "one" "$(built "$p" one two)"
node two d
same "and used again" "two" "$(built "$p" one two)"
hashed() { sed -n 's/^hashed //p' "$(root).seal"; }
now=$(hashed)
sed -i "s/^\(hashed\|looked\) .*/\1 $((now - 80000000000000))/" "$(root).seal"
node one again
same "after less than a day" "one $((now - 80000000000000))" "$(built "$p" one) $(hashed)"
sed -i "s/^\(hashed\|looked\) .*/\1 $((now - 90000000000000))/" "$(root).seal"
node one day
same "after more than a day" "one" "$(built "$p" one)"
node two day
same "which is known then" "two" "$(built "$p" two)"
check "it is hashed again" test "$(hashed)" -gt "$now"
change etc/large '1s/^./x/'
node one e
# what used it since it was last hashed may be wrong, too
same "a byte of 70 MB" "one two" "$(built "$p" one two)"
said "a byte of 70 MB"

echo "# verify and repair"
code "verify is content" 0 "$orch" store verify
node one f
node two f
same "both used it" "one two" "$(built "$p" one two)"
change etc/d/file 's/inside/insane/'
code "verify finds it" 6 "$orch" store verify
check "and says so" grep -qE 'unpacked tree [0-9a-f]{12} has changed; removed' "$scratch/out"
check "and what used it" grep -q "a result of 'one' was made with" "$scratch/out"
same "that is made again" "one two" "$(built "$p" one two)"
change etc/d/file 's/inside/insane/'
code "repair" 0 "$orch" store repair
same "after repair" "one two" "$(built "$p" one two)"
same "the result is right" "inside f" "$(tr '\n' ' ' <"$p/out/one/x" | sed 's/ $//')"
finish
