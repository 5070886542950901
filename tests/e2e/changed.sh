#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch changed: what differs from a git revision, wherever the clone comes from, and nothing of it is run.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store" HOME="$scratch" GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git config --global init.defaultBranch main
git config --global protocol.file.allow always
git config --global safe.directory '*'
p=$scratch/p
small_project "$p"
ln -s one "$p/src/link"
in_p() { git -C "$p" "$@"; }
# differs NAME EXPECTED [ARG...]: what `orch changed` finds, each as "VERDICT NODE".
differs() {
	differs_name=$1
	differs_want=$2
	shift 2
	if "$orch" -C "${at:-$p}" changed --json "$@" >"$scratch/json" 2>"$scratch/err"; then
		differs_got=$(jq -r '[.nodes[] | .verdict + " " + .name] | join(", ")' "$scratch/json")
	else
		differs_got="exit $?: $(cat "$scratch/err")"
	fi
	same "$differs_name" "$differs_want" "$differs_got"
}
# refuses NAME CODE PATTERN ARG...: exits with 2 and says so, in a line with [CODE].
refuses() {
	refuses_name=$1
	refuses_code=$2
	refuses_text=$3
	shift 3
	code "$refuses_name: refused" 2 "$orch" -C "${at:-$p}" changed "$@"
	check "$refuses_name: says so" grep -E -e "$refuses_text.* \\[$refuses_code\\]\$" "$scratch/err"
}

refuses "no repository" no-repository "'$p' is in no git repository" --since HEAD
in_p init -q
in_p add .
in_p commit -q -m one
refuses "no --since" usage 'orch changed --since REV'
refuses "an unknown revision" no-revision "no revision 'nope' in this clone: 'git fetch'" --since nope
refuses "an option for a revision" no-revision "no revision '--all'" --since --all
refuses "a run" usage "'run:1' is a run" --since run:1
refuses "an unknown target" unknown-node "no node 'al'; did you mean 'all'" --since HEAD al
code "nothing differs" 0 "$orch" -C "$p" changed --since HEAD --exit-code
check "and it says of how many" grep -q '^0 changed, 0 perhaps, 0 new, 0 gone, 5 the same since HEAD ([0-9a-f]*)$' "$scratch/out"
empty "nothing is left in the store" "$ORCH_STORE/tmp"

echo "# what differs"
echo three >"$p/src/sub/three"
differs "a file that is not added" 'changed leaf1, changed leaf2, changed leaf3, perhaps two, perhaps all' --since git:HEAD
same "why" "file src/sub/three is new" "$(jq -r '.nodes[0].reason' "$scratch/json")"
code "--exit-code" 3 "$orch" -C "$p" changed --since HEAD --exit-code
differs "one target" 'changed leaf3' --since HEAD leaf3
rm "$p/src/sub/three"
chmod +x "$p/src/one"
differs "a mode" 'changed leaf1, changed leaf2, changed leaf3, perhaps two, perhaps all' --since HEAD
chmod -x "$p/src/one"
sed -i 's/echo 3/echo 4/' "$p/recipes/leaf3.yaml"
echo '# nothing' >>"$p/recipes/leaf1.yaml"
differs "a recipe, but not its comments" 'changed leaf3, perhaps all' --since HEAD
in_p commit -q -a -m two
differs "what is committed" 'changed leaf3, perhaps all' --since HEAD^
sed 's/leaf3/more/' "$p/recipes/all.yaml" >"$p/recipes/all.new"
mv "$p/recipes/all.new" "$p/recipes/all.yaml"
mv "$p/recipes/leaf3.yaml" "$p/recipes/more.yaml"
differs "nodes that come and go" 'new more, changed all, gone leaf3' --since HEAD
differs "a target that is gone" 'gone leaf3' --since HEAD leaf3
in_p add -A
in_p commit -q -m three
echo 'kind: nothing' >"$p/recipes/bad.yaml"
in_p add -A
in_p commit -q -m bad
rm "$p/recipes/bad.yaml"
code "mistakes of then" 2 "$orch" -C "$p" changed --since HEAD
check "are told as such" grep -q '^orch: these mistakes are of revision [0-9a-f]*$' "$scratch/err"
in_p commit -q -a -m mended

echo "# where branches part"
in_p branch side
echo other >"$p/src/one"
in_p commit -q -a -m main
in_p checkout -q side
sed -i 's/echo 4/echo 5/' "$p/recipes/more.yaml"
differs "from the other's end" 'changed leaf1, changed leaf2, changed more, perhaps two, perhaps all' --since main
differs "from where they part" 'changed more, perhaps all' --since main...
in_p checkout -q -f main

echo "# what git ignores is the same"
mkdir "$p/keys"
echo public >"$p/keys/public"
echo /keys/ >"$p/.gitignore"
printf 'kind: run\ninputs: [keys, leaf1]\nrun: ["cp keys/public x"]\noutputs: [x]\n' >"$p/recipes/keyed.yaml"
in_p add -A
in_p commit -q -m keys
differs "ignored inputs" '' --since HEAD all keyed
echo "keys/other" >"$p/keys/other"
differs "new ones, too" '' --since HEAD all keyed

in_p rm -q recipes/keyed.yaml
in_p commit -q -m "no keys"

echo "# nothing of the repository is run"
trap_=$scratch/trap
mkdir "$trap_"
printf '#!/bin/sh\necho "$0 $*" >>%s/ran\n' "$trap_" >"$trap_/run"
chmod +x "$trap_/run"
cp -R "$p" "$scratch/hostile"
hostile() { git -C "$scratch/hostile" "$@"; }
mkdir -p "$scratch/hostile/.git/hooks"
for hook in post-checkout post-index-change reference-transaction; do cp "$trap_/run" "$scratch/hostile/.git/hooks/$hook"; done
hostile config core.fsmonitor "$trap_/run"
hostile config core.pager "$trap_/run"
hostile config core.sshCommand "$trap_/run"
hostile config filter.x.smudge "$trap_/run"
hostile config filter.x.clean "$trap_/run"
hostile config filter.x.process "$trap_/run"
hostile config diff.external "$trap_/run"
hostile config alias.ls-tree "!$trap_/run"
echo '* filter=x diff=x' >"$scratch/hostile/.gitattributes"
touch "$scratch/hostile/src/one"
at=$scratch/hostile differs "a hostile repository" '' --since HEAD
check "ran nothing" test ! -e "$trap_/ran"
hostile config remote.origin.url "ext::$trap_/run"
hostile config remote.origin.promisor true
hostile config protocol.ext.allow always
hostile config extensions.partialClone origin
blob=$(hostile rev-parse HEAD:src/one)
rm -f "$scratch/hostile/.git/objects/$(echo "$blob" | cut -c1-2)/$(echo "$blob" | cut -c3-)"
rm -f "$trap_/ran"
at=$scratch/hostile refuses "a blob that only a server of its choice has" no-revision "lacks 'src/one' of the revision" --since HEAD
check "and that is not asked" test ! -e "$trap_/ran"
hostile status >/dev/null 2>&1
check "and would have" test -e "$trap_/ran"

echo "# clones of a CI"
code "shallow" 0 git clone -q --depth 1 "file://$p" "$scratch/shallow"
at=$scratch/shallow refuses "a shallow clone" no-revision 'is shallow: .git fetch --unshallow.*fetch-depth: 0 .GitHub.*GIT_DEPTH: 0 .GitLab' --since HEAD^
at=$scratch/shallow differs "what it has" '' --since HEAD
git -C "$p" config uploadpack.allowFilter true
side=$(in_p rev-parse main~3)
code "partial" 0 git clone -q --filter=blob:none "file://$p" "$scratch/partial"
at=$scratch/partial refuses "a partial clone, of which nothing is fetched" no-revision "lacks 'src/one' of the revision: .git fetch --refetch" --since "$side"
mkdir "$scratch/big"
git -C "$scratch/big" init -q
cp -R "$p" "$scratch/big/device"
rm -rf "$scratch/big/device/.git" "$scratch/big/device/.gitignore"
echo x >"$scratch/big/README"
git -C "$scratch/big" add README
git -C "$scratch/big" commit -q -m "not yet"
git -C "$scratch/big" add .
git -C "$scratch/big" commit -q -m one
echo y >"$scratch/big/README"
at=$scratch/big/device differs "a project in a directory of the repository" '' --since HEAD
echo y >"$scratch/big/device/src/one"
at=$scratch/big/device differs "and what differs there" 'changed leaf1, changed leaf2, changed more, perhaps two, perhaps all' --since HEAD
at=$scratch/big/device differs "before it was there" 'new leaf1, new leaf2, new more, new two, new all' --since HEAD^
GIT_DIR=$p/.git at=$scratch/big/device differs "whatever a hook has in its environment" \
	'changed leaf1, changed leaf2, changed more, perhaps two, perhaps all' --since HEAD

echo "# submodules"
cp -R "$p" "$scratch/super"
mkdir "$scratch/lib"
echo one >"$scratch/lib/file"
git -C "$scratch/lib" init -q
git -C "$scratch/lib" add .
git -C "$scratch/lib" commit -q -m one
git -C "$scratch/super" submodule --quiet add "$scratch/lib" vendor/lib
printf 'kind: run\ninputs: [vendor]\nrun: ["cp vendor/lib/file x"]\noutputs: [x]\n' >"$scratch/super/recipes/sub.yaml"
git -C "$scratch/super" add -A
git -C "$scratch/super" commit -q -m sub
at=$scratch/super differs "a submodule" '' --since HEAD sub
echo two >"$scratch/super/vendor/lib/file"
at=$scratch/super differs "changed in it" 'changed sub' --since HEAD sub
same "down to the file" "file vendor/lib/file" "$(jq -r '.nodes[0].reason' "$scratch/json" | cut -d' ' -f1-2)"
git -C "$scratch/super/vendor/lib" commit -q -a -m two
git -C "$scratch/super" commit -q -a -m moved
at=$scratch/super differs "moved to another commit" 'changed sub' --since HEAD^ sub
code "cloned without" 0 git clone -q "$scratch/super" "$scratch/without"
at=$scratch/without differs "not checked out, as it is" '' --since HEAD^ sub
git -C "$scratch/lib" reset -q --hard
code "and with, of what is public" 0 git -c protocol.file.allow=always -C "$scratch/without" submodule --quiet update --init --remote
at=$scratch/without refuses "a submodule without the commit" no-revision "submodule 'vendor/lib' lacks commit .*git -C vendor/lib fetch" --since HEAD sub

echo "# git LFS"
mkdir "$scratch/lfs"
small_project "$scratch/lfs"
echo large >"$scratch/large"
printf 'version https://git-lfs.example/spec/v1\noid sha256:%s\nsize 6\n' \
	"$(sha256sum <"$scratch/large" | cut -d' ' -f1)" >"$scratch/lfs/src/one"
git -C "$scratch/lfs" init -q
git -C "$scratch/lfs" add .
git -C "$scratch/lfs" commit -q -m one
cp "$scratch/large" "$scratch/lfs/src/one"
at=$scratch/lfs differs "the file that a pointer means" '' --since HEAD
echo larger >>"$scratch/lfs/src/one"
at=$scratch/lfs differs "another one" 'changed leaf1, changed leaf2, changed leaf3, perhaps two, perhaps all' --since HEAD

echo "# version: git"
v=$scratch/version
mkdir -p "$v/recipes"
cat >"$v/recipes/project.yaml" <<EOF
schema: 1
name: v
version: git
variants: {board: {a: {x: "1"}, b: {x: "2"}}}
EOF
printf 'kind: run\nrun: ["echo ${project.version} ${x} >out"]\noutputs: [out]\n' >"$v/recipes/n.yaml"
echo /out >"$v/.gitignore"
git -C "$v" init -q
git -C "$v" add .
git -C "$v" commit -q -m one
# is_version NAME BUILT VERSION: so many nodes are built for it.
is_version() {
	code "$1" 0 "$orch" -C "$v" build
	check "$1: $2 built" grep -q "ok: built $2," "$scratch/err"
	same "$1: in all variants" "$3 1, $3 2" "$(cat "$v/out/n@a/out" "$v/out/n@b/out" | paste -sd, | sed 's/,/, /')"
}
is_version "no tag" 2 0.0.1-dev
git -C "$v" tag v1.2.3
is_version "a tag, and no file changed" 2 1.2.3
git -C "$v" commit -q --allow-empty -m two
is_version "a commit after it" 2 1.2.4-dev
git -C "$v" commit -q --allow-empty -m three
is_version "another one" 0 1.2.4-dev
at=$v differs "a revision has its version" 'changed n@a, changed n@b' --since v1.2.3
at=$v differs "and so has one of the same" '' --since HEAD^
rm -rf "$v/.git"
code "no repository" 2 "$orch" -C "$v" plan
check "names the line, and what helps" grep -q "^recipes/project.yaml:3:10: .*'.tarball-version'" "$scratch/err"
echo 1.2.3 >"$v/.tarball-version"
is_version "a copy without it" 0 1.2.3
finish
