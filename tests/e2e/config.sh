#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch config: every setting, its value, and who says so.
. tests/e2e/lib.sh

"$orch" init "$scratch/project" >/dev/null || exit 1
cd "$scratch/project" || exit 1
printf 'archives: {vendor: {suites: [stable], keyring: files/key.gpg}, own: {suites: [x/], components: [], keyring: files/key.gpg}}\n' \
	>>recipes/project.yaml
: >files/key.gpg
unset ORCH_STORE NO_COLOR CLICOLOR_FORCE CI GITHUB_ACTIONS GITLAB_CI XDG_CACHE_HOME http_proxy
export HOME="$scratch" XDG_CONFIG_HOME="$scratch/etc"
mkdir -p "$scratch/etc/orch"
config=$scratch/etc/orch/config.yaml
cat >"$config" <<'END'
jobs: 3
mirrors:
  vendor: [https://robot:secret@near.example/apt, http://far.example/apt]
store-size: 5G
pools: {debian: [pool, https://robot:secret@far.example/pool]}
END

# says NAME OPTION...: value, from and at of the setting
says() {
	says_name=$1
	shift
	"$orch" config --json "$@" | jq -r --arg n "$says_name" '.settings[] | select(.name == $n) | "\(.value) \(.from) \(.at)"'
}

same "the file itself" "$config environment XDG_CONFIG_HOME" "$(says config)"
same "of the file" "3 file $config:1" "$(says jobs)"
same "an option wins" "7 option --jobs" "$(says jobs -j 7)"
same "a default" "16K default null" "$(says download-pace)"
same "a mirror, without the password" "https://near.example/apt http://far.example/apt file $config:3" "$(says mirrors.vendor)"
same "a pool, without the password" "pool https://far.example/pool file $config:5" "$(says pools.debian)"
same "one that nothing tells of" "null null null" "$(says mirrors.own)"
same "the store by default" "$scratch/.cache/orch default null" "$(says store)"
same "of the environment" "/x environment ORCH_STORE" "$(ORCH_STORE=/x says store)"
same "of the option" "/y option --store" "$(ORCH_STORE=/x says store --store /y)"
same "colour" "never environment NO_COLOR" "$(NO_COLOR=1 says color)"
same "progress in a CI" "plain environment CI" "$(CI=true says progress)"
same "a proxy, without the password" "http://p.example:3128 environment http_proxy" "$(http_proxy=http://u:secret@p.example:3128 says http_proxy)"
same "a shared cache" "file:///s environment ORCH_CACHE" "$(ORCH_CACHE=file:///s says remote.cache)"
same "none, whatever the file says" "null environment ORCH_CACHE" "$(ORCH_CACHE='' says remote.cache)"
same "a farm" "program:/f environment ORCH_EXECUTOR" "$(ORCH_EXECUTOR=program:/f says remote.executor)"
"$orch" config >"$scratch/out"
check "a table" grep -q -E "^jobs +3 +$config:1$" "$scratch/out"
same "and no password in it" 0 "$(grep -c secret "$scratch/out")"
# The keys of a board are words in one value: they may hold passwords.
keys=$("$orch" manual orch-config | sed '/^.SH ENVIRONMENT/,$d; /^\\fBboards/,/^\.RE/{/^\\fBboards/!d}' |
	sed -n 's/^\\fB\(.*\)\\fR: .*/\1/p' | sed 's/[\]//g')
check "orch-config(5) has keys" test "$(echo "$keys" | wc -w)" -gt 5
same "they are all told" "" "$(for key in $keys; do grep -q "^\(remote\.\)\?$key" "$scratch/out" || echo "$key"; done)"
cat >>"$config" <<'END'
boards:
  bench: {power-on: [relay, secret], power-off: [relay, secret], console: "unix:/c", card: /dev/c}
END
same "a board, without what its commands hold" "power-on power-off console file $config:7" "$(says boards.bench)"
same "no store was made for that" no "$(test -e "$scratch/.cache/orch" && echo yes || echo no)"
echo 'jobz: 1' >"$config"
code "a mistake in the file" 2 "$orch" config
check "is told with its place" grep -q "config.yaml:1:1: unknown key 'jobz': did you mean 'jobs'" "$scratch/err"
printf 'jobz: 1\njobs: none\ndownload-pace: fast\n' >"$config"
code "several mistakes in the file" 2 "$orch" config
same "are all told" 4 "$(grep -c "config.yaml:[1-3]:\|^orch: 3 errors$" "$scratch/err")"
code "to other commands, too" 2 "$orch" build
same "and all of them" 4 "$(grep -c "config.yaml:[1-3]:\|^orch: 3 errors$" "$scratch/err")"
finish
