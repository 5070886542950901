#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzzing with libFuzzer:  tests/fuzz.sh [SECONDS [TARGET...]]
# Exit 0; 1: a target failed; 2: usage; 3: cannot be built; 77: there is no clang.
# Builds the targets (tests/fuzz/*.c) with clang in _build-fuzz, then runs those named, or all, for so
# long each, two at a time. Tells 'ok NAME' or 'not ok NAME'. What was found new for the corpus stays in
# _build-fuzz/corpus/NAME; the input of a crash in _build-fuzz/findings, as the line says.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=_build-fuzz

if [ $# -gt 0 ]; then
	seconds=$1
	shift
else
	seconds=3 # as tests/run.sh wants it
	[ "${TEST_FULL:-no}" = no ] || seconds=60
	for name in tests/fuzz/corpus/*; do
		name=${name##*/}
		[ -n "${TEST_WORDS:-}" ] || set -- "$@" "$name"
		for word in ${TEST_WORDS:-}; do
			[[ fuzz-$name != *$word* ]] || { set -- "$@" "$name" && break; }
		done
	done
fi
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(ls tests/fuzz/corpus)
for name in "${names[@]}"; do
	[ -d "tests/fuzz/corpus/$name" ] && continue
	echo "no fuzz target '$name'; there are: $(cd tests/fuzz/corpus && echo *)" >&2
	exit 2
done
command -v clang >/dev/null || { echo "fuzzing needs clang: ./dev deps" >&2; exit 77; }

compiler=clang
! command -v ccache >/dev/null || compiler='ccache clang'
if [ ! -f $build/build.ninja ]; then
	CC=$compiler meson setup $build -Dfuzz=true -Dguestfs=disabled -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false >$build.log 2>&1 || { cat $build.log; exit 3; }
fi
rm -f $build.log
ninja -C $build fuzzers >$build/ninja.log 2>&1 || { tail -n 40 $build/ninja.log; exit 3; }

# A target's own log is told where it fails: the stack, and which assertion.
run() { # NAME
	local name=$1 log=$build/fuzz-$1.log code input
	mkdir -p $build/findings "$build/corpus/$name"
	"$build/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1500 \
		-malloc_limit_mb=1000 -print_final_stats=1 -artifact_prefix="$build/findings/$name-" \
		"$build/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1
	code=$?
	if [ $code = 0 ]; then
		echo "ok $name"
		return
	fi
	input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
	grep -E 'ERROR|runtime error|Assertion|^ +#[0-9]' "$log" | head -n 30
	[ ! -f "$input" ] || [ "$(wc -c <"$input")" -gt 8192 ] || { # a CI forgets its files
		echo "base64 of $input:"
		base64 "$input"
	}
	echo "not ok $name: exit $code; again: $build/tests/fuzz/fuzz-$name ${input:-(no input; see $log)}"
}

bad=0
for ((i = 0; i < ${#names[@]}; i += 2)); do
	run "${names[i]}" >"$build/first" &
	if [ $((i + 1)) -lt ${#names[@]} ]; then run "${names[i + 1]}" >"$build/second"; else : >"$build/second"; fi
	wait $!
	cat "$build/first" "$build/second"
	! grep -q '^not ok' "$build/first" "$build/second" || bad=1
done
exit $bad
