#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Tests, or those whose names hold one of the words given:  tests/run.sh [--full] [WORD...]
# Stages: lint and layers, the static analyser, unit tests (sanitized), data tests (sanitized), fuzzing, e2e
# (as an ordinary user), scenarios (the device on emulated boards). Without --full: no analyser; 5 seconds for
# each fuzz target, not a minute; no scripts that have a line '# full', and of the scenarios those of node
# tests-quick.
# Every stage tells 'ok NAME', 'not ok NAME' or 'skip NAME', and how long it took, as every script does;
# the last line counts them.
# TEST_RESULTS=FILE in the environment: results are added to those that FILE has, and all are counted;
# TEST_AS=WORD names this run in them.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # an ordinary user's has none of them
top=$PWD
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
full=no
words=()
for word; do
	if [ "$word" = --full ]; then full=yes; else words+=("$word"); fi
done

wanted() {
	[ ${#words[@]} = 0 ] && return 0
	local w
	for w in "${words[@]}"; do [[ $1 == *$w* ]] && return 0; done
	return 1
}

# Takes result lines from stdin, shows everything, keeps the results under a stage's name.
collect() {
	tee >(sed -n -E "s/^(ok|not ok|skip) +(- )?(.*)/\1 ${TEST_AS:+$TEST_AS: }$1: \3/p" >>"$results")
	wait $! 2>/dev/null
}

tell() { # NAME STATUS
	case $2 in
	0) echo "ok $1" ;;
	77) echo "skip $1" ;;
	*) echo "not ok $1" ;;
	esac
}

stage_lint() {
	local s
	for s in layers lint; do
		wanted "$s" || continue
		"tests/$s.sh"
		tell "$s" $?
	done
}

stage_analyse() {
	[ $full = yes ] && wanted analyse || return 0
	nice -n 10 tests/analyse.sh
	tell analyse $?
}

stage_unit() {
	local json=_build-asan/meson-logs/testlog.json list=$work/units names
	if ! meson test -C _build-asan --no-rebuild --list >"$list" 2>"$work/unit.log" || [ ! -s "$list" ]; then
		cat "$work/unit.log"
		tell "the unit tests are built" 1
		return
	fi
	mapfile -t names < <(sed 's/^.* \/ //' "$list" | while read -r n; do wanted "unit-$n" && echo "$n"; done)
	[ ${#names[@]} -gt 0 ] || return 0
	meson test -C _build-asan --no-rebuild --print-errorlogs "${names[@]}" >"$work/unit.log" 2>&1 ||
		grep -E 'FAILED|ERROR|runtime error|not ok' "$work/unit.log" | head -n 60
	[ "$(wc -l <"$json")" = ${#names[@]} ] || tell "all of ${#names[@]} unit tests ran" 1
	jq -r '(if .result == "OK" then "ok" elif .result == "SKIP" then "skip" else "not ok" end) + " " +
		(.name | sub(".* / "; ""))' "$json"
}

stage_data() {
	tests/data.sh _build-asan/engine/cli/orch ${words[@]+"${words[@]}"} || tell data $?
}

# The targets that are wanted, 5 seconds each, or a minute.
stage_fuzz() {
	local names seconds=5
	[ $full = no ] || seconds=60
	mapfile -t names < <(for n in tests/fuzz/corpus/*; do n=${n##*/} && wanted "fuzz-$n" && echo "$n"; done)
	[ ${#names[@]} -gt 0 ] || return 0
	tests/fuzz.sh $seconds "${names[@]}"
	case $? in
	0 | 1) ;; # told by target
	77) echo "skip fuzzing: no clang" ;;
	*) tell "the fuzz targets are built" 1 ;;
	esac
}

# Started by root, the e2e stage and the scenarios run as 'nobody'.
as_user=()
if [ "$(id -u)" = 0 ]; then
	home=${XDG_CACHE_HOME:-/var/cache}/orch-test
	as_user=(setpriv --reuid=nobody --regid=nogroup --init-groups --inh-caps=-all --bounding-set=-all)
else
	home=${XDG_CACHE_HOME:-$HOME/.cache}/orch-test
fi

# The tree as it stands (tracked files), with the binaries, where that user may write.
prepare_tree() {
	local build
	mkdir -p "$home" "$work/tree" "$work/tmp"
	git ls-files -z | xargs -0 cp --parents -P -t "$work/tree" --
	mkdir -p "$work/tree/_build/engine/cli" "$work/tree/_build-asan/engine/cli"
	for build in _build _build-asan; do
		cp $build/engine/cli/orch $build/engine/cli/orch-worker "$work/tree/$build/engine/cli/"
	done
	[ ! -d pki ] || cp -R pki "$work/tree/"
	chmod 755 "$work"
	if [ ${#as_user[@]} -gt 0 ]; then
		# What other users have tested before stays, and can be written.
		[ "$(stat -c %U "$home")" = nobody ] || chown -R -h nobody:nogroup "$home"
		chown -R nobody:nogroup "$work/tree" "$work/tmp"
	fi
}

# as_tester LIMIT COMMAND...: in that tree, as that user, with nothing of our environment but proxies.
as_tester() {
	local limit=$1 name keep=()
	shift
	for name in http_proxy https_proxy no_proxy ORCH_STORE LIBGUESTFS_BACKEND_SETTINGS; do
		[ -z "${!name:-}" ] || keep+=("$name=${!name}")
	done
	(cd "$work/tree" && exec timeout --kill-after=30 "$limit" "${as_user[@]}" env -i \
		PATH=/usr/local/bin:/usr/bin:/bin HOME="$home" TMPDIR="$work/tmp" LC_ALL=C.UTF-8 TERM=dumb \
		XDG_CONFIG_HOME="$work/config" ORCH="$work/tree/_build/engine/cli/orch" \
		ORCH_ASAN="$work/tree/_build-asan/engine/cli/orch" "${keep[@]}" "$@" </dev/null)
}

# A CI stops us after 90 minutes, and then nobody reads a closing line.
end=$((SECONDS + 60 * ${TEST_MINUTES:-$([ -n "${CI:-}" ] && echo 84 || echo 600)}))

# own_limit SCRIPT: the seconds it says it may take.
own_limit() {
	local own
	own=$(sed -n 's/^# timeout: *//p' "$1" | head -n 1)
	echo "${own:-900}"
}

# limit_of SCRIPT: its own time limit, or what is left.
limit_of() {
	local own left=$((end - SECONDS))
	own=$(own_limit "$1")
	[ "$left" -gt 1 ] || left=1
	echo $((own < left ? own : left))
}

# What this machine says of itself, and a limit for the store that is kept: else it would fill a CI's disk.
prepare_config() {
	local config=$work/config/orch/config.yaml
	mkdir -p "$work/config/orch"
	[ ! -e "$home/config/orch/config.yaml" ] || cp "$home/config/orch/config.yaml" "$config"
	[ -n "${ORCH_STORE:-}" ] || grep -qs '^store-size:' "$config" || echo 'store-size: 12G' >>"$config"
}

# The store of previous runs, unless one of them was by a newer orch, which this one cannot read: then
# another beside it.
prepare_store() {
	local n said=$work/tmp/store
	[ -z "${ORCH_STORE:-}" ] || return 0
	for n in '' 2 3 4 5; do
		export ORCH_STORE=$home/.cache/orch$n
		as_tester 60 _build/engine/cli/orch store du >"$said" 2>&1 && break
		grep -q 'made by a newer orch' "$said" || break
		echo "=== $ORCH_STORE was made by a newer orch: looking for another store ==="
	done
}

# Development keys, kept beside the store: with other keys the root image is another one, and nothing
# that was made or proven from it would be found again. Older ones, and those of the tree, get what the
# scenarios need and they lack; kept ones that cannot sign are made again.
prepare_keys() {
	local keys=$home/pki pki=$work/tree/pki orch=_build/engine/cli/orch own=no
	if [ -e "$pki/signer.pem" ]; then own=yes; elif [ -d "$keys" ]; then cp -a "$keys/." "$pki/"; fi
	if [ -e "$pki/signer.pem" ] && [ ! -e "$pki/rollover-signer.pem" ]; then
		as_tester 60 $orch pki init
	fi
	[ $own = no ] || return 0
	if [ -e "$pki/signer.pem" ] && as_tester 60 $orch build pki tests/pki-rollover; then
		cp -a "$pki/." "$keys"
		return 0
	fi
	rm -rf "$keys" "$pki/private" "$pki"/*.pem
	as_tester 60 $orch pki init && cp -a "$pki" "$keys"
}

# The locked packages of the reference project. A mirror keeps a package only as long as it is current:
# when one is gone, the copy of the tree is locked again, which is not what the project publishes.
prepare_packages() {
	local result=$work/tmp/packages.json orch=_build/engine/cli/orch
	local nodes=(base build-tools toolchain)
	[ ! -e "$result" ] || return 0
	[ $full = no ] || nodes+=(tests/qemu)
	prepare_keys
	if as_tester $((end - SECONDS)) $orch build "${nodes[@]}" --result-json "$result"; then
		echo "ok the locked packages are there"
	elif grep -q 'orch lock .*--update' "$result"; then
		echo "=== the archive has dropped a locked package: testing with today's, not the published build ==="
		as_tester 1200 $orch lock --update
		tell "the archive's current packages can be locked" $?
	else
		echo "not ok the locked packages are there"
	fi
}

# run_as_root LIMIT COMMAND...: for a script with a line '# root'. It gets $AS_USER or $AS_ROOT, what to put
# before a command that is to run as that user or as root.
run_as_root() {
	if [ ${#as_user[@]} -gt 0 ]; then
		local user="${as_user[*]}"
		as_user=(env)
		as_tester "$1" env AS_USER="$user" "${@:2}"
	elif sudo -n true 2>/dev/null; then
		as_tester "$1" env AS_ROOT="sudo -n" "${@:2}"
	else
		echo "skip needs root, or sudo without a password"
	fi
}

run_script() { # SCRIPT
	local name code limit run=as_tester started=$SECONDS
	name=$(basename "$1" .sh)
	limit=$(limit_of "$1")
	! grep -q '^# root$' "$1" || run=run_as_root
	echo "# $name"
	($run "$limit" sh "$1") >"$work/$name.out" 2>&1
	code=$?
	cat "$work/$name.out"
	echo "# $name: $((SECONDS - started)) s"
	if [ $code = 124 ]; then
		echo "not ok $name: stopped after $limit s"
	elif ! grep -q -E '^(ok|not ok|skip) ' "$work/$name.out" ||
		{ [ $code != 0 ] && ! grep -q '^not ok ' "$work/$name.out"; }; then
		tell "$name" $code # tells no single results, or died
	fi
}

# The quick ones first, by their time limits.
stage_e2e() {
	local script name
	for script in tests/e2e/*.sh; do
		echo "$(own_limit "$script") $script"
	done | sort -n | while read -r _ script; do
		name=$(basename "$script" .sh)
		case $name in lib | users | *-lib) continue ;; esac # no tests: what tests share
		wanted "e2e-$name" || continue
		[ $full = yes ] || ! grep -q '^# full$' "$script" || continue
		! grep -q '^# packages$' "$script" || prepare_packages
		run_script "$script"
	done
}

# Each scenario is a node: what passed once with the same images, bundles, firmware, QEMU and steps is
# not run again.
stage_scenarios() {
	local node=tests-quick result=$work/tmp/scenarios.json
	[ $full = no ] || node=tests
	wanted "scenario-$node" || return 0
	prepare_packages
	as_tester $((end - SECONDS)) _build/engine/cli/orch build --keep-going --result-json "$result" $node
	tell "$node" $?
	jq -r '.nodes[] | select(.kind == "test") |
		(if .status == "built" or .status == "cached" then "ok " else "not ok " end) +
		(.name | ltrimstr("tests/")) + (if .error then ": " + .error else "" end)' "$result"
}

# stage STAGE NAME: its results are told under that name.
stage() {
	local started=$SECONDS
	"stage_$1" | collect "$2"
	echo "# stage $1: $((SECONDS - started)) s"
}

cd "$top" || exit 1
stage lint lint
stage analyse static
stage unit unit
stage data data
stage fuzz fuzz
prepare_tree
prepare_config
prepare_store
stage e2e e2e
stage scenarios scenarios

passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^not ok ' "$results")
skipped=$(grep -c '^skip ' "$results")
[ "$failed" = 0 ] || { echo; grep '^not ok ' "$results"; }
[ "$skipped" = 0 ] || { echo; grep '^skip ' "$results"; }
[ "$passed" -gt 0 ] || { echo "no test ran"; failed=$((failed + 1)); }
echo
if [ "$skipped" = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
