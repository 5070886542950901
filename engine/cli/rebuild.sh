# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# What a release's script 'rebuild' does before it builds (release_again.c); $here is the release's
# directory. Nothing is signed: there is no key, and no harm in whose rauc it would be.
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
