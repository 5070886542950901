#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Tests, or those whose names hold one of the words given:  tests/run.sh [--full] [WORD...] [!NAME...]
# NAME itself does not run.
# Prepares what end-to-end tests and scenarios need, lets meson run the tests of tests/meson.build from
# the sanitized build, and counts their results (tests/results.py). Without --full: none of suite
# 'full', 3 seconds for each fuzz target, not a minute, and of the scenarios those of node tests-quick.
# TEST_RESULTS=FILE in the environment: results are added to those that FILE has, and all are counted;
# TEST_AS=WORD names this run in them. TEST_MINUTES ends it early enough for a closing line.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # an ordinary user's has none of them
build=_build-asan
work=$(mktemp -d /var/tmp/orch-test.XXXXXX)
results=${TEST_RESULTS:-$work/results}
: >>"$results"
remove() { # DIRECTORY...: with what tests have made read only
	chmod -R u+w "$@" 2>/dev/null
	rm -rf "$@"
}
trap 'remove "$work"' EXIT
# Work directories of a run that was killed.
find /var/tmp -maxdepth 1 \( -name 'orch-test.*' -o -name 'e2e.*' \) -user "$(id -un)" -mmin +1440 -print0 |
	while read -r -d '' old; do remove "$old"; done
export TEST_FULL=no
words=() unwanted=()
for word; do
	case $word in
	--full) TEST_FULL=yes ;;
	!*) unwanted+=("${word#!}") ;;
	*) words+=("$word") ;;
	esac
done
export TEST_WORDS=${words[*]}

# A CI stops us after 90 minutes, and then nobody reads a closing line.
TEST_END=$(($(date +%s) + 60 * ${TEST_MINUTES:-$([ -n "${CI:-}" ] && echo 84 || echo 600)}))
export TEST_END

wanted() { # NAME...: whether one of them has one of the words
	local name w
	[ ${#words[@]} -gt 0 ] || return 0
	for name; do
		for w in "${words[@]}"; do [[ $name == *$w* ]] && return 0; done
	done
	return 1
}

# The names of the tests that are to run, in that order, which meson keeps. Suites data and fuzz are one
# test each, of many results.
select_tests() {
	local suites name all packages=no selected=()
	meson test -C $build --no-rebuild --list >"$work/list" 2>"$work/list.log" || { cat "$work/list.log"; return 1; }
	while read -r suites name; do
		[ $TEST_FULL = yes ] || [[ +$suites+ != *+full+* ]] || continue
		case $name in
		data) mapfile -t all < <(tests/data.sh --list) ;;
		fuzz) mapfile -t all < <(for n in tests/fuzz/corpus/*; do echo "fuzz-${n##*/}"; done) ;;
		scenario-*)
			all=("$name")
			[ $TEST_FULL != "$([ "$name" = scenario-tests ] && echo no || echo yes)" ] || continue
			;;
		*) all=("$name") ;;
		esac
		if [[ " ${unwanted[*]} " == *" $name "* ]]; then
			continue
		elif wanted "${all[@]}"; then
			[ "$name" != packages ] || packages=yes
		elif [ "$name" != packages ]; then
			continue
		fi
		selected+=("$name")
		[[ $name != scenario-* ]] || packages=yes
		! grep -qs '^# packages$' "tests/e2e/${name#e2e-}.sh" || packages=yes
	done < <(sed -n 's,^.*:\([^ ]*\) / \(.*\)$,\1 \2,p' "$work/list")
	for name in "${selected[@]}"; do
		[ "$name" = packages ] && [ $packages = no ] || names+=("$name")
	done
}

# The tree as it stands (tracked files), with the binaries and what is installed, where the tester may write. Started by root,
# that is 'nobody' (tests/as-tester.sh).
prepare_tree() {
	local from tree=$work/tree
	export TEST_TREE=$tree TEST_HOME
	TEST_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/orch-test
	[ "$(id -u)" != 0 ] || TEST_HOME=${XDG_CACHE_HOME:-/var/cache}/orch-test
	mkdir -p "$TEST_HOME" "$tree" "$work/tmp"
	git ls-files -z | xargs -0 cp --parents -P -t "$tree" --
	for from in _build _build-asan; do
		mkdir -p "$tree/$from/engine/cli"
		cp $from/engine/cli/orch $from/engine/cli/orch-worker $from/engine/cli/orch-launcher "$tree/$from/engine/cli/"
		mkdir -p "$tree/$from/tests"
		[ ! -e $from/tests/place ] || cp $from/tests/place "$tree/$from/tests/"
	done
	DESTDIR=$tree/_installed meson install -C _build --no-rebuild --quiet
	[ ! -d pki ] || cp -R pki "$tree/"
	chmod 755 "$work"
	if [ "$(id -u)" = 0 ]; then
		# What other users have tested before stays, and can be written.
		[ "$(stat -c %U "$TEST_HOME")" = nobody ] || chown -R -h nobody:nogroup "$TEST_HOME"
		chown -R nobody:nogroup "$tree" "$work/tmp"
	fi
}

# What this machine says of itself, and a limit for the store that is kept: else it would fill a CI's disk.
prepare_config() {
	local config=$work/config/orch/config.yaml
	mkdir -p "$work/config/orch"
	[ ! -e "$TEST_HOME/config/orch/config.yaml" ] || cp "$TEST_HOME/config/orch/config.yaml" "$config"
	[ -n "${ORCH_STORE:-}" ] || grep -qs '^store-size:' "$config" || echo 'store-size: 12G' >>"$config"
}

# The store of previous runs, unless one of them was by a newer orch, which this one cannot read: then
# another beside it.
prepare_store() {
	local n said=$work/tmp/store
	[ -z "${ORCH_STORE:-}" ] || return 0
	for n in '' 2 3 4 5; do
		export ORCH_STORE=$TEST_HOME/.cache/orch$n
		tests/as-tester.sh 60 _build/engine/cli/orch store du >"$said" 2>&1 && break
		grep -q 'made by a newer orch' "$said" || break
		echo "=== $ORCH_STORE was made by a newer orch: looking for another store ==="
	done
}

names=()
if select_tests && [ ${#names[@]} -gt 0 ]; then
	if printf '%s\n' "${names[@]}" | grep -qE '^(e2e|scenario|packages)'; then
		prepare_tree
		prepare_config
		prepare_store
	fi
	rm -f $build/meson-logs/testlog.*
	meson test -C $build --no-rebuild --verbose --timeout-multiplier "$([ $TEST_FULL = yes ] && echo 2 || echo 1)" \
		"${names[@]}"
	tests/results.py $build/meson-logs "${TEST_AS:-}" "${#names[@]}" >>"$results"
fi

passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^not ok ' "$results")
skipped=$(grep -c '^skip ' "$results")
[ "$failed" = 0 ] || { echo; grep -E '^(not ok |#)' "$results"; }
[ "$skipped" = 0 ] || { echo; grep '^skip ' "$results"; }
[ "$passed" -gt 0 ] || { echo "no test ran"; failed=$((failed + 1)); }
echo
if [ "$skipped" = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
