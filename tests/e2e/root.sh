#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Root runs no recipe unless he says so, and may look at everything.
# root
# timeout: 300
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
# shellcheck disable=SC2086
root() { ${AS_ROOT:-} "$@"; }
# shellcheck disable=SC2086
user() { ${AS_USER:-} "$@"; }
# shellcheck disable=SC2317 # called by the trap
clean() { root rm -rf "$scratch"; }
trap clean EXIT
p=$scratch/p
root chmod 755 "$scratch"
small_project "$p"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: []\n' >"$p/recipes/image.yaml"
cp "$ORCH" "$scratch/orch"
orch=$scratch/orch
[ -z "${AS_USER:-}" ] || chown -R "$(user id -u):$(user id -g)" "$scratch"
refused() { # COMMAND ARG...
	code "$1: exit code" 7 root "$orch" -C "$p" "$@"
	check "$1: says so, and what to do" grep -q "'orch $1' does not run as root.*ordinary user.*--allow-root" "$scratch/err"
}
check "the owner builds" user "$orch" -C "$p" build leaf1
refused build all
refused shell leaf1
refused boot image
refused flash image "$scratch/card"
check "nothing was built" test ! -e "$p/out/all"
check "no card was written" test ! -e "$scratch/card"
code "root in a variable that says something else" 7 root env ORCH_ALLOW_ROOT=0 "$orch" -C "$p" build all
for command in 'plan all' 'build --dry-run all' 'graph' 'check --rules' 'kinds run' 'runs' 'store du'; do
	# shellcheck disable=SC2086
	code "root may: $command" 0 root env ORCH_STORE="$ORCH_STORE" "$orch" -C "$p" $command
done
same "looking leaves nothing of root's in the owner's store" "" "$(find "$ORCH_STORE" -user root)"
code "and the owner builds on" 0 user "$orch" -C "$p" build leaf2
code "root builds in the owner's store" 0 root env ORCH_STORE="$ORCH_STORE" "$orch" -C "$p" build --allow-root all
same "and leaves nothing of his in it" "" "$(find "$ORCH_STORE" -user root)"
[ -z "${AS_USER:-}" ] || chown -R "$(user id -u):$(user id -g)" "$p"
[ -z "${AS_ROOT:-}" ] || root chown -R "$(id -u):$(id -g)" "$p"
echo >>"$p/src/one"
code "the owner builds on" 0 user "$orch" -C "$p" build all
code "and collects" 0 user "$orch" store gc --size 1
code "and builds again" 0 user "$orch" -C "$p" build all
export ORCH_STORE="$scratch/roots"
code "--allow-root" 0 root env ORCH_STORE="$ORCH_STORE" "$orch" -C "$p" build --allow-root leaf2
code "ORCH_ALLOW_ROOT=1" 0 root env ORCH_STORE="$ORCH_STORE" ORCH_ALLOW_ROOT=1 "$orch" -C "$p" build leaf3
finish
