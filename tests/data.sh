#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Data tests:  tests/data.sh ORCH [WORD...]  with the words of $TEST_WORDS where none is given
#              tests/data.sh --list         their names
#
# tests/recipes/NAME/         a project; its file 'transcript' holds commands ("$ orch plan") and what
#                             they print, stdout and stderr together, then "[N]" when they exit with N
# tests/should-fail/NAME.yaml a recipe that 'orch plan' must refuse with exit 2 and exactly the text of
#                             NAME.expect; its node is NAME in a project that has nothing else
# tests/should-fail/NAME/     the same for a whole project, with 'expect' inside
# docs/howto/NAME.md          a page, and first-bundle.md and model.md: tests/pages.sh
#
# UPDATE=1 writes what came out as what is expected: look at the difference before you commit it.
set -eu
# shellcheck source=tests/pages.sh
. "$(dirname "$0")/pages.sh"
pages='../docs/first-bundle.md ../docs/model.md ../docs/howto/*.md'
if [ "$1" = --list ]; then
	cd "$(dirname "$0")"
	for name in recipes/*/transcript should-fail/*.expect should-fail/*/expect $pages; do
		case $name in
		*.md) needs_packages "$name" || echo "data-howto/$(basename "$name" .md)" ;;
		*) echo "data-${name%[./]*}" ;;
		esac
	done
	exit
fi
orch=$(realpath "$1")
shift
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- ${TEST_WORDS:-}
cd "$(dirname "$0")"
work=$(mktemp -d)
# What failed nodes leave has directories that nobody may write to.
remove() {
	[ ! -e "$1" ] || chmod -R u+rwX "$1"
	rm -rf "$@"
}
trap 'remove "$work"' EXIT
mkdir "$work/bin"
ln -s "$orch" "$work/bin/orch"
unset ORCH_STORE NO_COLOR CLICOLOR_FORCE CI GITHUB_ACTIONS GITLAB_CI
export PATH="$work/bin:$PATH" LC_ALL=C.UTF-8 TZ=UTC HOME="$work" XDG_CONFIG_HOME="$work/config"

wanted() {
	[ $# -gt 1 ] || return 0
	wanted_name=$1
	shift
	for w in "$@"; do case $wanted_name in *"$w"*) return 0 ;; esac; done
	return 1
}

# compare NAME EXPECTED GOT
compare() {
	guessed "$2" >"$work/expected"
	guessed "$3" >"$work/settled"
	if [ -n "${UPDATE:-}" ] && ! cmp -s "$work/expected" "$work/settled"; then
		cp "$3" "$2"
		guessed "$2" >"$work/expected"
	fi
	if diff -u "$work/expected" "$work/settled"; then echo "ok $1"; else echo "not ok $1"; fi
}

project() { # DIR: an empty one
	mkdir -p "$1/recipes"
	printf 'schema: 1\nname: test\nversion: "1"\n' >"$1/recipes/project.yaml"
}

# refused NAME DIR EXPECTED
refused() {
	code=0
	(cd "$2" && orch plan) >"$work/out" 2>"$work/got" || code=$?
	[ $code = 2 ] || printf '[exit %d]\n' $code >>"$work/got"
	[ ! -s "$work/out" ] || { echo "[stdout]"; cat "$work/out"; } >>"$work/got"
	compare "$1" "$3" "$work/got"
}

for transcript in recipes/*/transcript; do
	[ -e "$transcript" ] || continue
	name=${transcript%/transcript}
	wanted "data-$name" "$@" || continue
	export ORCH_STORE="$work/store"
	remove "$work/store" "$work/p"
	cp -R "$name" "$work/p"
	rm "$work/p/transcript"
	(cd "$work/p" && replay "$OLDPWD/$transcript") >"$work/got"
	compare "$name" "$transcript" "$work/got"
done
for page in $pages; do
	name=howto/$(basename "$page" .md)
	wanted "data-$name" "$@" || continue
	if needs_packages "$page"; then continue; fi
	remove "$work/store"
	export ORCH_STORE="$work/store"
	try_page "$name" "$page" "$work"
done
export ORCH_STORE="$work/store"
for expect in should-fail/*.expect should-fail/*/expect; do
	[ -e "$expect" ] || continue
	name=${expect%.expect}
	name=${name%/expect}
	wanted "data-$name" "$@" || continue
	rm -rf "$work/p"
	if [ -d "$name" ]; then
		cp -R "$name" "$work/p"
		rm "$work/p/expect"
	else
		project "$work/p"
		cp "$name.yaml" "$work/p/recipes/"
	fi
	refused "$name" "$work/p" "$expect"
done
