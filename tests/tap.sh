#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a script tells of itself, as TAP:  tests/tap.sh COMMAND...
# Lines 'ok NAME', 'not ok NAME' and 'skip NAME' are results, and so is what cmocka writes as TAP (whose
# 1.1.5 says 'not ok' of a test that is skipped); all others go to stderr, where 'not ok NAME' is
# repeated after what led to it. A command that fails without saying what, or says nothing, is a result
# of its own, 'not ok'; one that exits with 77 is skipped.
set -uo pipefail
count=0
bad=0
result() { # PREFIX NAME [DIRECTIVE]
	count=$((count + 1))
	printf '%s %d - %s%s\n' "$1" $count "${2//'#'/no. }" "${3:-}" # '#' would begin a directive
	[ "$1" = ok ] || printf '%s %s\n' "$1" "$2" >&2
}
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	'ok '[0-9]*' - '*) result ok "${line#* - }" ;;
	'not ok '[0-9]*' # SKIP '*) result ok "${line#*# SKIP }" ' # SKIP' ;;
	'not ok '[0-9]*' - '*)
		bad=1
		result 'not ok' "${line#* - }"
		;;
	1..[0-9]*) ;;
	'ok '*) result ok "${line#ok }" ;;
	'not ok '*)
		bad=1
		result 'not ok' "${line#not ok }"
		;;
	'skip '*) result ok "${line#skip }" ' # SKIP' ;;
	*) printf '%s\n' "$line" >&2 ;;
	esac
done < <(exec "$@" 2>&1)
code=0
wait $! || code=$?
if [ $code = 77 ] && [ $count = 0 ]; then
	echo '1..0 # SKIP'
	exit 0
elif [ $code != 0 ] && [ $bad = 0 ]; then
	result 'not ok' "ended with $code"
elif [ $count = 0 ]; then
	result 'not ok' 'told no result'
fi
echo "1..$count"
