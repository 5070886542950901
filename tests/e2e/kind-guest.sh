#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kinds debian, tree and run where nobody can make user namespaces: a QEMU guest takes their place, says so, and
# makes the same bytes.
. tests/e2e/lib.sh
. tests/e2e/users.sh
p=$scratch/p
cc -O1 -D_GNU_SOURCE -o "$scratch/without" tests/without.c || exit 1
alone() { "$scratch/without" userns "$@"; }
mkdir -p "$p/recipes" "$p/src" "$p/opt"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [result]
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
check "an archive" users_archive "$p"
# Owners, set-id programs, capabilities, what maintainer scripts make, and a second guest for the source.
printf 'kind: debian\npackages: [own-users, mtr-tiny, dpkg-dev]\nsources: [netbase]\n' >"$p/recipes/small.yaml"
echo content >"$p/src/file"
cat >"$p/recipes/result.yaml" <<'END'
kind: run
root: small
inputs: [src]
run:
  - |
    { id; umask; hostname; env | sort; ls /dev; ls /sys; ls -ln src; } >seen
    if touch /etc/x 2>/dev/null || touch src/x 2>/dev/null; then echo "may write" >>seen; fi
    sleep 1; echo later >"it's later"; ln "it's later" link; : >/tmp/left
  - [sh, -c, 'cat "$0" >>seen; [ ! -e /tmp/left ] && find . -newer seen -o -links 2 | sort >>seen', "it's later"]
  - echo "a script that is not the first" >>seen
outputs: [seen]
END
users_tree small >"$p/recipes/changed.yaml"
cat >>"$p/recipes/changed.yaml" <<'END'
  - |
    : >/when; : >/tmp/left; touch -d 2001-02-03 /old; mkdir /new; echo noise >/var/log/noise; chage -d 0 app
  - [sh, -c, '[ ! -e /tmp/left ] && cp -a /new /copy']
END
# The second step does what no sandbox can hold.
cc -O1 -static -no-pie -fno-pie -nostdlib -fno-stack-protector -o "$p/opt/other-interface" tests/other-interface.c || exit 1
cat >"$p/recipes/half.yaml" <<'END'
kind: tree
from: small
contents: [{copy: opt, to: /opt/}, {copy: src, to: /opt/}]
run:
  - cp /usr/bin/true /set-id; chown daemon /set-id; chmod 4755 /set-id; echo first >>/opt/steps
  - /opt/other-interface; echo second >>/opt/steps; echo x >>/set-id; stat -c '%a %U' /set-id /opt/file >/opt/steps.seen
END
# What its steps find in a cache is there, too.
cat >"$p/recipes/keeps.yaml" <<'END'
kind: run
root: small
cache: own
env: {GOCACHE: /cache/go}
run:
  - mkdir "$GOCACHE"; echo "$ORCH_CACHE_DIR $CCACHE_DIR" >"$GOCACHE/file"
  - cp /cache/go/file kept
outputs: [kept]
END
printf 'kind: run\nroot: small\nrun: ["echo wrong; exit 3"]\noutputs: []\n' >"$p/recipes/fails.yaml"
printf 'kind: run\nrun: [": >x"]\noutputs: [x]\n' >"$p/recipes/host.yaml"

check "lock" "$orch" -C "$p" lock small
echo "# in namespaces"
code "build" 0 "$orch" -C "$p" --store "$scratch/a" build small result changed keeps --result-json "$scratch/a.json"
if [ "$(uname -m)" = x86_64 ]; then
	code "a step that no sandbox can hold" 0 "$orch" -C "$p" --store "$scratch/a" build half --result-json "$scratch/half.json"
	check "is run again outside of a user namespace" grep -q 'start .*half .*it failed in a user namespace' "$scratch/err"
	"$orch" -C "$p" --store "$scratch/a" log half >"$scratch/out"
	check "the log says why" grep -q "a system call of '/opt/other-interface' is number 182.*a QEMU guest takes its place" "$scratch/out"
	same "in one run" built "$(jq -r '.nodes[] | select(.name == "half").status' "$scratch/half.json")"
fi
echo "# where there are none"
code "build" 0 alone "$orch" -C "$p" --store "$scratch/b" build small result changed keeps --result-json "$scratch/b.json"
same "the same bytes" "$(digests "$scratch/a.json")" "$(digests "$scratch/b.json")"
alone "$orch" -C "$p" --store "$scratch/b" log result >"$scratch/out"
check "the log says where" grep -q 'user namespace.*a QEMU guest takes its place' "$scratch/out"
code "a failing step: exit 1" 1 alone "$orch" -C "$p" --store "$scratch/b" build fails
check "a failing step: which, and how" grep -q 'recipes/fails.yaml:3: step 1 of 1 failed: .*3' "$scratch/err"
"$orch" -C "$p" --store "$scratch/b" log fails >"$scratch/out"
check "what it printed is in the log" grep -qx wrong "$scratch/out"
code "the host's own programs: exit 7" 7 alone "$orch" -C "$p" --store "$scratch/b" build host
check "the host's own programs: remedy" grep -q 'allow user namespaces' "$scratch/err"
finish
