#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Provenance: what it says of a result, from which commit; who signs it; and what 'orch verify' refuses.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config"
unset CI_COMMIT_BRANCH GITHUB_REF_TYPE
p=$scratch/p
keys=$scratch/config/orch
mkdir -p "$p/recipes" "$p/files/etc" "$keys"
cd "$p" || exit 1
export HOME="$scratch" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
openssl genpkey -algorithm ed25519 -out "$keys/signer.key"
openssl pkey -in "$keys/signer.key" -pubout -out "$scratch/signer.pub"
openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out "$scratch/other.pub"
chmod 600 "$keys/signer.key"
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin
printf 'schema: 1\nname: origins\nversion: 1.2.0\ntimes: 1704067200\ndefault: [card]\n' | recipe project
echo ours >files/etc/ours
echo out >.gitignore
printf 'kind: tree\narch: arm64\ncontents: [{copy: files, to: /}]\n' | recipe tree
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{unpack: "tree:root.tar"}]\n' | recipe root
printf 'kind: disk\ntable: gpt\nformats: [raw, bmap]\npartitions: [{name: root, type: linux-generic, from: root}]\n' | recipe card
s=out/card/card.provenance.json
e=out/card/card.provenance.dsse.json
card=out/card/card.img
commit() { jq -r '.predicate.buildDefinition.resolvedDependencies[] | select(.name == "project") |
	.digest.gitCommit + " " + (.annotations.branch // "-") + " " + (.annotations.dirty | tostring)' $s; }
sha() { sha256sum <"$1" | cut -d' ' -f1; }

# --- the statement -----------------------------------------------------------------------------------
code outside-of-git 0 "$orch" build
same types 'https://in-toto.io/Statement/v1 https://slsa.dev/provenance/v1 urn:orch:node:1' \
	"$(jq -r '._type + " " + .predicateType + " " + .predicate.buildDefinition.buildType' $s)"
same subjects "card.img $(sha $card)
card.img.bmap $(sha $card.bmap)" "$(jq -r '.subject[] | .name + " " + .digest.sha256' $s)"
same byproducts "card.spdx.json $(sha out/card/card.spdx.json)
card.cdx.json $(sha out/card/card.cdx.json)" "$(jq -r '.predicate.runDetails.byproducts[] | .name + " " + .digest.sha256' $s)"
same recipe "recipes/card.yaml $(sha recipes/card.yaml)" \
	"$(jq -r '.predicate.buildDefinition.externalParameters.recipe | .name + " " + .digest.sha256' $s)"
same what-it-was-made-of 'files root:root.img tree:root.tar' \
	"$(jq -r '[.predicate.buildDefinition.resolvedDependencies[].name] | join(" ")' $s)"
same builder 'urn:orch:' "$(jq -r '.predicate.runDetails.builder.id' $s | sed 's/[0-9.]*$//')"
same its-run 'run 1' "$(jq -r .predicate.runDetails.metadata.invocationId $s)"
same ended-after-it-began true "$(jq '.predicate.runDetails.metadata | .startedOn <= .finishedOn' $s)"
same not-signed "no" "$([ -e $e ] && echo yes || echo no)"
cp $s "$scratch/first"
code nothing-to-do 0 "$orch" build
code nothing-to-do-the-long-way 0 "$orch" build --json
check the-same cmp "$scratch/first" $s

# --- commits -----------------------------------------------------------------------------------------
git init -q -b main . && git add . && git commit -q -m one
one=$(git rev-parse HEAD)
code no-commit-was-known 0 "$orch" build --json
same the-commit-that-gives-it "$one main false" "$(commit)"
git commit -q --allow-empty -m two
code another-commit 0 "$orch" build --json
same stays "$one main false" "$(commit)"
echo more >>files/etc/ours
code changed 0 "$orch" build
same dirty "$(git rev-parse HEAD) main true" "$(commit)"
code dirty-and-nothing-to-do 0 "$orch" build
git commit -q -a -m three
code committed 0 "$orch" build
same clean-by-now "$(git rev-parse HEAD) main false" "$(commit)"
git checkout -q -b topic
echo more >>files/etc/ours
git commit -q -a -m four
code of-a-branch 0 "$orch" build
same its-name "$(git rev-parse HEAD) topic false" "$(commit)"

# --- signing -----------------------------------------------------------------------------------------
printf 'provenance-key: signer.key\nbuilder: https://ci.test.invalid/runner\n' >"$keys/config.yaml"
code signed 0 "$orch" build
key=$(openssl pkey -pubin -in "$scratch/signer.pub" -outform der | sha256sum | cut -d' ' -f1)
same key-id "$key" "$(jq -r '.signatures[].keyid' $e)"
jq -r .payload $e | base64 -d >"$scratch/payload"
check holds-the-statement cmp "$scratch/payload" $s
# as openssl sees it
printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <$s)" | cat - $s >"$scratch/pae"
jq -r '.signatures[].sig' $e | base64 -d >"$scratch/sig"
check openssl openssl pkeyutl -verify -pubin -inkey "$scratch/signer.pub" -rawin -in "$scratch/pae" -sigfile "$scratch/sig"

# --- verifying ---------------------------------------------------------------------------------------
verify() { "$orch" verify "$@"; }
code verified 0 verify $card --key "$scratch/signer.pub"
check says-who grep -q "^yes signature  signed by key $(printf %.16s "$key")" "$scratch/out"
code other-output 0 verify $card.bmap --key "$scratch/signer.pub"
code other-key 5 verify $card --key "$scratch/other.pub"
check nobody-trusted grep -q 'no trusted key has signed it' "$scratch/out"
code private-key 2 verify $card --key "$keys/signer.key"
check its-public-half grep -q "is a private key.*openssl pkey -in $keys/signer.key -pubout" "$scratch/err"
code not-a-key 2 verify $card --key files/etc/ours
code no-key 5 verify $card
code no-such-file 2 verify out/card/none --key "$scratch/signer.pub"
code no-provenance 5 verify files/etc/ours --key "$scratch/signer.pub"
cp $card out/card/card.other.img
code not-a-subject 5 verify out/card/card.other.img --key "$scratch/signer.pub"
check not-about-it grep -q "^no  subject    the provenance is not about a file 'card.other.img'" "$scratch/out"
rm out/card/card.other.img

# refuses FILE OFFSET...: with the byte there changed, each
refuses() {
	flipped=$1 missed=
	shift
	cp --sparse=always "$flipped" "$scratch/whole"
	for at; do
		cp --sparse=always "$scratch/whole" "$flipped"
		python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 1]))' "$flipped" "$at"
		"$orch" verify $card --key "$scratch/signer.pub" >"$scratch/out" 2>"$scratch/err"
		[ $? = 5 ] && grep -q '^no ' "$scratch/out" || missed="$missed $at"
	done
	cp --sparse=always "$scratch/whole" "$flipped"
	same "$# bytes of ${flipped##*/} changed" "" "$missed"
}
# spread FILE: a dozen offsets, the first and the last among them
spread() { seq 0 $((($(stat -c %s "$1") - 1) / 11)) $(($(stat -c %s "$1") - 1)) && echo $(($(stat -c %s "$1") - 1)); }
for f in $card $s $e out/card/card.spdx.json; do
	# shellcheck disable=SC2046 # numbers
	refuses "$f" $(spread "$f")
done
code whole-again 0 verify $card --key "$scratch/signer.pub"
# a bill that the statement does not know, and one that is not there
mkdir "$scratch/published"
cp $card $e "$scratch/published"
code without-bills 0 verify "$scratch/published/card.img" --key "$scratch/signer.pub"
check not-looked-at grep -q "'card.spdx.json' is not here" "$scratch/out"
mkdir "$scratch/renamed" && cp $card "$scratch/renamed" && cp $e "$scratch/renamed/card.img.provenance.dsse.json"
echo '{}' >"$scratch/renamed/card.spdx.json"
code envelope-renamed 5 verify "$scratch/renamed/card.img" --key "$scratch/signer.pub"
mkfifo "$scratch/published/card.spdx.json"
code a-pipe-is-no-bill 5 timeout 10 "$orch" verify "$scratch/published/card.img" --key "$scratch/signer.pub"
rm "$scratch/published/card.spdx.json"
# signed by who may, about something else
sed 's/"card.img"/"card.bin"/' $s >"$scratch/published/card.provenance.json"
code plain-differs 5 verify "$scratch/published/card.img" --key "$scratch/signer.pub"
check not-what-was-signed grep -q "'card.provenance.json' is not what was signed" "$scratch/out"

# --- policies ----------------------------------------------------------------------------------------
policy() { printf '%b' "$1" >"$scratch/policy.yaml"; }
built_by=$(jq -r .predicate.runDetails.builder.id $s)
policy "keys: [signer.pub]\\nbuilders: ['$built_by']\\nbranches: [main, topic]\\nclean: true\\n"
code all-of-it 0 verify $card --policy "$scratch/policy.yaml"
policy 'keys: [signer.pub]\nbuilders: [https://ci.test.invalid/runner]\n'
code by-somebody-else 5 verify $card --policy "$scratch/policy.yaml"
policy 'keys: [signer.pub]\nbranches: [main]\n'
code of-another-branch 5 verify $card --policy "$scratch/policy.yaml"
check which-branch grep -q '^no  branch     built of topic' "$scratch/out"
policy 'keys: [signer.pub]\nbuilders: []\n'
code nobody-may 5 verify $card --policy "$scratch/policy.yaml"
policy 'keys: [signer.pub]\nclean: maybe\n'
code not-a-policy 2 verify $card --policy "$scratch/policy.yaml"
echo more >>files/etc/ours
code changed-again 0 "$orch" build
policy 'keys: [signer.pub]\nbuilders: [https://ci.test.invalid/runner]\n'
code by-the-runner 0 verify $card --policy "$scratch/policy.yaml"
policy 'keys: [signer.pub]\nclean: true\n'
code not-clean 5 verify $card --policy "$scratch/policy.yaml" --json
same as-json 'commit false' "$(jq -r '.findings[] | select(.good | not) | .check + " " + (.good | tostring)' "$scratch/out")"

git commit -q -a -m five
code committed-again 0 "$orch" build
code clean-again 0 verify $card --policy "$scratch/policy.yaml"
sed -i 's/^version:.*/version: 6.6.6/' recipes/project.yaml
code what-is-in-no-key 0 "$orch" build
check nothing-built grep -q 'built 0,' "$scratch/err"
code says-what-no-commit-has 5 verify $card --policy "$scratch/policy.yaml"
git checkout -q recipes/project.yaml
echo 'secret*' >>.gitignore
git commit -q -a -m six
echo x >files/etc/secret.conf
code an-ignored-file 0 "$orch" build
code ignored-is-not-clean 5 verify $card --policy "$scratch/policy.yaml"
rm files/etc/secret.conf
code without-it 0 "$orch" build

mv "$keys/signer.key" "$scratch/away"
code without-the-key 0 "$orch" build
check says-that-it-is-not-signed grep -q 'its provenance is not signed' "$scratch/err"
same not-signed-then no "$([ -e $e ] && echo yes || echo no)"
mv "$scratch/away" "$keys/signer.key"

# --- turned off, unsigned ----------------------------------------------------------------------------
rm "$keys/config.yaml"
code without-a-key 0 "$orch" build
same no-envelope no "$([ -e $e ] && echo yes || echo no)"
code unsigned-is-refused 5 verify $card --key "$scratch/signer.pub"
policy 'unsigned: true\n'
code unsigned-will-do 0 verify $card --policy "$scratch/policy.yaml"
code a-key-asks-for-a-signature 5 verify $card --policy "$scratch/policy.yaml" --key "$scratch/signer.pub"
key_of_node=$("$orch" plan card --json | jq -r '.nodes[] | select(.node == "card").key')
echo 'provenance: signed' >>recipes/card.yaml
code nobody-signs 2 "$orch" build --json
check who-signs grep -q "provenance-key" "$scratch/err"
sed -i 's/^provenance: .*/provenance: false/' recipes/card.yaml
code off 0 "$orch" build --json
same nothing-there 'out/card/card.cdx.json out/card/card.spdx.json' "$(echo out/card/*.json)"
same in-no-key "$key_of_node" "$("$orch" plan card --json | jq -r '.nodes[] | select(.node == "card").key')"
finish
