#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch completion: what may come next, and that real shells put it there. CI has bash; zsh and fish are
# asked where they are.
. tests/e2e/lib.sh

here=$PWD
"$orch" init "$scratch/project" >/dev/null || exit 1
cd "$scratch/project" || exit 1
printf 'vars: {greeting: hello}\n' >>recipes/project.yaml
export ORCH_STORE="$scratch/store"

# words WORD...: what is offered for the last one, descriptions left out
words() { "$orch" completion words "$@" | cut -f1 | tr '\n' ' '; }

same "commands" "build boot " "$(words b)"
same "options of the command" "--progress= " "$(words build --pr)"
same "none of another command" "" "$(words why --prog)"
same "words of an option" "--progress=tty " "$(words build --progress=t)"
same "after the option, too" "tty " "$(words build --progress t)"
same "nodes" "card root " "$(words build '')"
same "none twice" "card " "$(words build root '')"
same "a node, and then no more" "" "$(words why root '')"
same "of the project that -C names" "card root " "$(cd / && "$orch" completion words -C "$scratch/project" log '' | cut -f1 | tr '\n' ' ')"
same "outside of any project" "" "$(cd "$scratch" && words build '')"
same "variables" "greeting= " "$(words build --set '')"
same "kinds" "debian device " "$(words kinds de)"
same "keys of a kind" "contents " "$(words kinds image con)"
check "what a key means" sh -c "'$orch' kinds image contents.unpack | grep -q '^ *unpack: '"
code "a key that is near one" 2 "$orch" kinds image content
check "is told" grep -q "did you mean 'contents'" "$scratch/err"
same "codes" "not-locked " "$(words explain not-lo)"
same "what a command does" "du gc verify repair " "$(words store '')"
same "outputs of a node" "card:card.img/ " "$(words image ls card:)"
same "templates" "ab-efi ab-uboot ab-tryboot " "$(words init --template ab)"
same "files" ":file " "$(words build --result-json '')"
same "directories" ":directory " "$(words init '')"
same "options behind --" "" "$(words build -- --p)"
same "an unknown command" "" "$(words nonsense '')"
same "no runs yet, and no store made" " no" "$(words log -r '') $(test -e "$ORCH_STORE" || echo no)"
cp -R "$scratch/project" "$scratch/two"
printf 'variants: {board: {pc: {greeting: hi}, rpi: {}}}\n' >>"$scratch/two/recipes/project.yaml"
printf 'kind: run\nrun: ["echo ${greeting} >a"]\noutputs: [a]\n' >"$scratch/two/recipes/greet.yaml"
same "nodes of a project with variants" "greet " "$(cd "$scratch/two" && words build g)"
same "by their values, once that is typed" "greet@pc greet@rpi " "$(cd "$scratch/two" && words build greet@)"
same "the values" "board=pc board=rpi " "$(cd "$scratch/two" && words build --variant '')"
"$orch" build root --progress quiet || exit 1
same "runs" "1 ^0 " "$(words log -r '')"
same "no revisions without a repository" "" "$(words changed --since '')"
git init -q -b main . && git add recipes && git -c user.name=a -c user.email=a@example.com commit -q -m one
git tag v1
same "revisions" "main v1 " "$(words changed --since '')"

# Of a broken project, too: it is being written.
printf 'kind: image\nsise: 1\n' >recipes/broken.yaml
same "nodes, one of them broken" "broken card root " "$(words build '')"
printf 'schema: [\n' >recipes/project.yaml
same "nodes of a broken project" "broken card root " "$(words build '')"
rm recipes/broken.yaml
"$orch" init "$scratch/other" >/dev/null && cd "$scratch/other" || exit 1

mkdir "$scratch/bin"
ln -s "$orch" "$scratch/bin/orch"
for shell in bash zsh; do
	command -v $shell >/dev/null || continue
	check "the script for $shell" "$orch" completion $shell
	"$orch" completion $shell >"$scratch/script"
	PATH=$scratch/bin:$PATH python3 "$here/tests/e2e/complete.py" $shell "$scratch/script" \
		'orch bui' 'orch build --progress=tt' 'orch build --progress t' 'orch why ro' \
		'orch flash root /dev/nul' | sed 's/ *$//' >"$scratch/got"
	same "a tab in $shell" "orch bui => orch build
orch build --progress=tt => orch build --progress=tty
orch build --progress t => orch build --progress tty
orch why ro => orch why root
orch flash root /dev/nul => orch flash root /dev/null" "$(cat "$scratch/got")"
done
if command -v fish >/dev/null; then
	"$orch" completion fish >"$scratch/script"
	for line in 'orch bui' 'orch build --progress=tt' 'orch why ro' 'orch flash root /dev/nul'; do
		PATH=$scratch/bin:$PATH fish --no-config -c "source $scratch/script; complete -C '$line'" | cut -f1
	done >"$scratch/got"
	same "a tab in fish" "build
--progress=tty
root
/dev/null" "$(cat "$scratch/got")"
fi
code "a shell that nobody knows" 2 "$orch" completion tcsh
finish
