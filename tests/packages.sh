#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Keys and the locked packages of the reference project, in the tree and the store that tests/run.sh has
# prepared, for tests that build it:  tests/packages.sh [NODE...]
# A mirror keeps a package only as long as it is current: when one is gone, the copy of the tree is locked
# again, which is not what the project publishes.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ -n "${TEST_TREE:-}" ] || { echo "skip packages: './dev test' prepares what they need"; exit 0; }
orch=_build/engine/cli/orch
keys=$TEST_HOME/pki
pki=$TEST_TREE/pki
result=${TEST_TREE%/tree}/tmp/packages.json

as_tester() { tests/as-tester.sh "$@"; }

# Development keys, kept beside the store: with other keys the root image is another one, and nothing
# that was made or proven from it would be found again. Older ones, and those of the tree, get what the
# scenarios need and they lack; kept ones that cannot sign are made again.
prepare_keys() {
	local own=no
	if [ -e "$pki/signer.pem" ]; then own=yes; elif [ -d "$keys" ]; then cp -a "$keys/." "$pki/"; fi
	if [ -e "$pki/signer.pem" ] && [ ! -e "$pki/rollover-signer.pem" ]; then
		as_tester 60 $orch pki init
	fi
	if [ -e "$pki/keyring.pem" ] && ! grep -q 'BEGIN X509 CRL' "$pki/keyring.pem"; then
		as_tester 60 $orch pki crl # keys of before there were lists
	fi
	[ $own = no ] || return 0
	if [ -e "$pki/signer.pem" ] && as_tester 60 $orch build pki tests/pki-rollover; then
		cp -a "$pki/." "$keys"
		return 0
	fi
	rm -rf "$keys" "$pki/private" "$pki"/*.pem
	as_tester 60 $orch pki init && cp -a "$pki" "$keys"
}

prepare_keys
if as_tester 7200 $orch build "$@" --result-json "$result"; then
	echo "ok the locked packages are there"
elif grep -q 'orch lock .*--update' "$result"; then
	echo "=== the archive has dropped a locked package: testing with today's, not the published build ==="
	if as_tester 1200 $orch lock --update; then
		echo "ok the archive's current packages can be locked"
	else
		echo "not ok the archive's current packages can be locked"
	fi
else
	echo "not ok the locked packages are there"
fi
