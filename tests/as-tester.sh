#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command as an ordinary user in the copy of the tree that tests/run.sh has prepared:
#
#	tests/as-tester.sh SECONDS COMMAND...
#	tests/as-tester.sh SECONDS tests/e2e/NAME.sh
#
# Started by root, that user is 'nobody'. The command gets nothing of our environment but proxies and
# what tests/e2e/lib.sh names. A script with a line '# root' gets $AS_USER or $AS_ROOT, what to put
# before a command that is to run as that user or as root; it skips where there is no way to root.
# Ends the command after SECONDS, or at TEST_END (seconds since 1970) if that is earlier.
set -uo pipefail
limit=$1
shift
if [ -z "${TEST_TREE:-}" ]; then
	echo "skip ${1##*/}: './dev test' prepares what it needs"
	exit 0
fi

left=$((TEST_END - $(date +%s)))
[ "$left" -gt 1 ] || left=1
[ "$limit" -lt "$left" ] || limit=$left

as_user=()
[ "$(id -u)" != 0 ] ||
	as_user=(setpriv --reuid=nobody --regid=nogroup --init-groups --inh-caps=-all --bounding-set=-all)
command=("$@")
environment=()
case $1 in
tests/e2e/*.sh)
	command=(sh "$1")
	if grep -q '^# root$' "$TEST_TREE/$1"; then
		if [ ${#as_user[@]} -gt 0 ]; then
			environment=("AS_USER=${as_user[*]}")
			as_user=()
		elif sudo -n true 2>/dev/null; then
			environment=("AS_ROOT=sudo -n")
		else
			echo "skip ${1##*/}: needs root, or sudo without a password"
			exit 0
		fi
	fi
	;;
esac
for name in http_proxy https_proxy no_proxy ORCH_STORE LIBGUESTFS_BACKEND_SETTINGS; do
	[ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

cd "$TEST_TREE" || exit 1
timeout --kill-after=30 "$limit" "${as_user[@]}" env -i PATH=/usr/local/bin:/usr/bin:/bin \
	HOME="$TEST_HOME" TMPDIR="${TEST_TREE%/tree}/tmp" LC_ALL=C.UTF-8 TERM=dumb \
	XDG_CONFIG_HOME="${TEST_TREE%/tree}/config" \
	ORCH="$TEST_TREE/_build/engine/cli/orch" ORCH_ASAN="$TEST_TREE/_build-asan/engine/cli/orch" \
	"${environment[@]}" "${command[@]}" </dev/null
code=$?
[ $code != 124 ] || echo "not ok ${1##*/}: stopped after $limit s"
exit $code
