#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What 'meson install' leaves (tests/run.sh does it), moved to where nothing of the tree is: all parts are
# there and work. What orch says of itself is right for those who read it: manual pages for mandoc and
# groff, completion for bash.
. tests/e2e/lib.sh

[ -d _installed ] || { echo "no directory '_installed': tests/run.sh makes it"; exit 1; }
root=$scratch/there
mkdir "$root"
cp -R _installed/usr/local/. "$root/"
cd "$scratch" || exit 1
orch=$root/bin/orch
share=$root/share
export ORCH_STORE="$scratch/store"

for file in bin/orch libexec/orch/orch-worker share/man/man1/orch.1 share/man/man5/orch-recipes.5 \
	share/man/man5/orch-config.5 share/bash-completion/completions/orch.bash share/zsh/site-functions/_orch \
	share/fish/vendor_completions.d/orch.fish share/orch/recipes.schema.json share/doc/orch/README.md \
	share/doc/orch/docs/config.md; do
	check "$file" test -s "$root/$file"
done
check "the version, and of what it is" sh -c "'$orch' --version | grep -q -E '^orch [0-9.]+( \([0-9a-z.+~-]+\))?$'"
code "a project" 0 "$orch" init "$scratch/project"
for recipe in project root card; do
	same "where editors find the schema: $recipe" "# yaml-language-server: \$schema=$(realpath "$share")/orch/recipes.schema.json" \
		"$(head -n 1 "$scratch/project/recipes/$recipe.yaml")"
done
code "is built" 0 "$orch" -C "$scratch/project" build
check "and is there" test -s "$scratch/project/out/card/card.img"
code "a command of the worker" 0 "$orch" -C "$scratch/project" check

for page in "$share"/man/man*/*; do
	name=${page##*/}
	mandoc -T lint "$page" >"$scratch/lint" 2>&1
	same "$name for mandoc" "" "$(cat "$scratch/lint")"
	groff -man -ww -z -K utf8 "$page" >"$scratch/lint" 2>&1
	same "$name for groff" "" "$(cat "$scratch/lint")"
	mandoc -T ascii "$page" | sed 's/.\x08//g' >"$scratch/${name%.*}.txt"
done
"$orch" help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' >"$scratch/commands"
same "commands that orch(1) does not have" "" "$(while read -r name; do
	grep -q "^ *orch $name\>" "$scratch/orch.txt" || echo "$name"
done <"$scratch/commands")"
same "exit codes that orch(1) does not have" "" "$("$orch" explain --json | jq -r '.codes[].exit | values' | sort -u |
	while read -r number; do grep -q "^ *$number  *[A-Z]" "$scratch/orch.txt" || echo "$number"; done)"
same "kinds that orch-recipes(5) does not have" "" "$("$orch" kinds --json | jq -r '.kinds[].name' |
	while read -r kind; do grep -q "^KIND $kind$" "$scratch/orch-recipes.txt" || echo "$kind"; done)"
check "keys in orch-config(5)" grep -q '^ *credential-helper: list of text$' "$scratch/orch-config.txt"

PATH=$root/bin:$PATH python3 "$OLDPWD/tests/e2e/complete.py" bash "$share/bash-completion/completions/orch.bash" \
	'orch expl' | sed 's/ *$//' >"$scratch/got"
same "a tab in bash" "orch expl => orch explain" "$(cat "$scratch/got")"
same "kinds that the schema offers in an empty file" "$("$orch" kinds --json | jq -c '[.kinds[].name]')" \
	"$(jq -c .properties.kind.enum "$share/orch/recipes.schema.json")"
check "each has its keys" jq -e '[.properties.kind.enum[] as $kind | .definitions[$kind].properties.kind.const == $kind] | all' \
	"$share/orch/recipes.schema.json"
finish
