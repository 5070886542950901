#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch check accepts the reference project and refuses copies of it with one mistake each:
# tests/must-fail/RULE.sh, or RULE--WHAT.sh, makes the mistake in the current folder; its line
# '# says: TEXT' is what check must say of it, in the name of that rule. Every rule has one.
# timeout: 300
. tests/e2e/lib.sh
orch=$ORCH_ASAN
work=$scratch
export ORCH_STORE="$work/store"

mkdir "$work/good"
cp -R recipes rootfs custom_build "$work/good/"
(cd "$work/good" && "$orch" pki init >/dev/null) || { echo "not ok pki-init"; exit 1; }
code reference-project 0 "$orch" -C "$work/good" check
same reference-project-has-no-warning '' "$(grep warning "$scratch/err")"

# For the cases: replace FILE SED-SCRIPT
replace() { sed -i "$2" "$1"; }
# other_keys: a folder 'other' with other keys
other_keys() {
	mkdir -p other/recipes && cp recipes/project.yaml other/recipes/ &&
		"$orch" -C other pki init >/dev/null
}
# certificate LAST-DAY EXTENSION...: the signer's certificate anew, under the root of the keyring
certificate() {
	cert_end=$(date -u -d "$1" +%Y%m%d%H%M%SZ)
	shift
	mkdir ca
	: >ca/index
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = ca/index\nnew_certs_dir = ca\nrand_serial = yes
default_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = supplied\n[e]\n' >ca/conf
	printf '%s\n' "$@" >>ca/conf
	openssl req -new -subj '/CN=other signer' -key pki/private/signer.key -out ca/request &&
		openssl ca -batch -config ca/conf -cert pki/keyring.pem -keyfile pki/private/root.key -notext \
			-startdate 20200101000000Z -enddate "$cert_end" -in ca/request -out pki/signer.pem &&
		rm -r ca
}

refused() { # CASE
	name=$(basename "$1" .sh)
	rule=${name%%--*}
	says=$(sed -n 's/^# says: //p' "$1")
	level=$(sed -n "s/^$rule *\([a-z]*\) .*/\1/p" "$work/rules")
	want=2
	[ "$level" = error ] || want=0
	rm -rf "$work/bad"
	cp -R "$work/good" "$work/bad"
	# shellcheck source=/dev/null
	if ! (cd "$work/bad" && . "$1") >"$work/mistake" 2>&1; then
		cat "$work/mistake"
		not_ok "$name (the mistake could not be made)"
		return
	fi
	if diff -r --no-dereference "$work/good" "$work/bad" >/dev/null; then
		not_ok "$name (the mistake changed nothing)"
		return
	fi
	got=0
	"$orch" -C "$work/bad" check >"$work/out" 2>&1 || got=$?
	if grep -F -e "$says" "$work/out" | grep -qF -e "[$rule]" && [ $got = $want ]; then
		ok "$name"
	else
		echo "exit $got:"
		cat "$work/out"
		not_ok "$name"
	fi
}

"$orch" check --rules >"$work/rules"
same every-rule-has-a-case "$(sed 's/ .*//' "$work/rules" | sort)" \
	"$(basename -a -s .sh tests/must-fail/*.sh | sed 's/--.*//' | sort -u)"
for case in tests/must-fail/*.sh; do
	refused "$PWD/$case"
done
finish
