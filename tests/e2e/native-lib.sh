# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# For e2e scripts about the native template as a user gets it, made and locked against today's archive; what
# does not depend on the board is kept in the store:  . tests/e2e/native-lib.sh
. tests/e2e/lib.sh
cd "$scratch" || exit 1
code made 0 "$orch" init --template ab-efi --name native --compatible native-board p
cd p || exit 1
code keys 0 "$orch" pki init
code locked 0 "$orch" lock

# told SCENARIO LINE...: its console showed these
told() {
	told_log=out/tests/$1/console.log
	shift
	for line; do
		check "$line" grep -q -F "$line" "$told_log"
	done
}
