# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# What a release's script 'rebuild' does before it builds (release_again.c); $here is the release's
# directory, $bundle the recipe of its bundle. The bundle is packed with a signer made for that, whom
# no device believes: there is no other key, and so no harm in whose rauc it is.
mkdir -p "${1:?DIRECTORY}"
to=$(CDPATH='' cd -- "$1" && pwd)
if [ ! -d "$to/project" ]; then
	rm -rf "$to/project.part"
	cp -R "$here/project" "$to/project.part"
	chmod -R u+w "$to/project.part"
	mv "$to/project.part" "$to/project"
fi
mkdir -p "$to/config/orch"
# A link, for a path may hold what YAML reads in its own way.
ln -sfn "$here/pool" "$to/config/orch/pool"
cat >"$to/config/orch/config.yaml" <<'END'
trust-tools: true
provenance-key: none
pools:
  debian: [pool]
END
unset ORCH_EXECUTOR ORCH_CACHE
# This machine's may name modules that the OpenSSL here cannot load.
export OPENSSL_CONF=/dev/null
export XDG_CONFIG_HOME="$to/config" ORCH_STORE="$to/store"
cd "$to/project" || exit
if [ ! -d "$to/signer" ]; then
	rm -rf "$to/signer.part"
	mkdir -p "$to/signer.part/recipes"
	printf 'schema: 1\nname: rebuild\nversion: "1"\n' >"$to/signer.part/recipes/project.yaml"
	"$here/orch/orch" -C "$to/signer.part" pki throwaway >/dev/null
	mv "$to/signer.part" "$to/signer"
fi
# Below tests/, where bundles may be signed by whom devices do not know.
name=tests/rebuild/${bundle##*/}
mkdir -p recipes/tests/rebuild/signer
rm -rf rebuild-pki
cp -R "$to/signer/pki" rebuild-pki
cat >recipes/tests/rebuild/signer/pki.yaml <<'END'
kind: pki
key: rebuild-pki/private/signer.key
cert: rebuild-pki/signer.pem
keyring: rebuild-pki/keyring.pem
END
cat >"recipes/$name.yaml" <<END
extends: $bundle
sign: tests/rebuild/signer/pki
tested-by: []
sbom: []
provenance: false
END
