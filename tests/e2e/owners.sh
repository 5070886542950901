#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Scripts that need more than one user, with one mapped user, with subordinate ids as in a rootless
# container, and by root in a chroot of his own: the first two are equal to the byte, the third is what
# both must be. (kind-guest.sh: and in a guest.) Neither who builds, nor where, nor his umask changes a byte.
# root
. tests/e2e/lib.sh
. tests/e2e/users.sh
here=$PWD
p=$scratch/p
# shellcheck disable=SC2086
root() { ${AS_ROOT:-} "$@"; }
# shellcheck disable=SC2086
user() { ${AS_USER:-} "$@"; }
# shellcheck disable=SC2317 # called by the trap
clean() { root rm -rf "$scratch"; }
trap clean EXIT
cc -O1 -D_GNU_SOURCE -o "$scratch/subordinate" tests/subordinate.c || exit 1
copy_orch "$ORCH" "$scratch"
orch=$scratch/orch
mkdir -p "$p/recipes"
check "an archive" users_archive "$p"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [changed]
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END
printf 'kind: debian\npackages: [own-users]\n' >"$p/recipes/small.yaml"
printf 'kind: tree\nfrom: small\nusers: [{name: app, uid: 990, home: /home/app}]\n' >"$p/recipes/accounts.yaml"
users_tree small >"$p/recipes/changed.yaml"
printf 'kind: image\nfilesystem: ext4\nsize: 1G\ncontents: [{unpack: changed}]\n' >"$p/recipes/img.yaml"
root chmod 755 "$scratch"
root chown -R "$(user id -u):$(user id -g)" "$scratch"
check "lock" user "$orch" -C "$p" lock small

echo "# one mapped user"
nodes='small accounts changed img'
# shellcheck disable=SC2086 # words
code "build" 0 user "$orch" -C "$p" --store "$scratch/a" build $nodes --result-json "$scratch/a.json"
echo "# subordinate ids"
check "a store" user "$orch" -C "$p" --store "$scratch/b" store du
check "with the downloads of the other" user cp -R "$scratch/a/downloads" "$scratch/b/"
# shellcheck disable=SC2086 # words
code "build" 0 root env XDG_CONFIG_HOME="$XDG_CONFIG_HOME" "$scratch/subordinate" "$(user id -u)" 200000 65535 \
	sh -c 'umask 077; exec "$@"' sh \
	"$orch" -C "$p" --store "$scratch/b" build $nodes --result-json "$scratch/b.json"
check "built there" sh -c 'jq -e "[.nodes[].status] == [\"built\", \"built\", \"built\", \"built\"]" "$1"' sh "$scratch/b.json"
same "the same bytes" "$(digests "$scratch/a.json")" "$(digests "$scratch/b.json")"

echo "# root, his own project, another umask, a longer path"
long="$scratch/where another clone of the same project lies/with a longer path"
check "a clone" root sh -c 'mkdir -p "$2" && cp -R "$1/recipes" "$1/keys" "$2/" && chown -R 0:0 "$2"' sh "$p" "$long"
root mkdir "$scratch/c"
# shellcheck disable=SC2086 # words
code "build" 0 root env XDG_CONFIG_HOME="$XDG_CONFIG_HOME" sh -c 'umask 002; exec "$@"' sh \
	"$orch" -C "$long" --store "$scratch/c" build $nodes --result-json "$long/c.json"
check "built there" sh -c 'jq -e "[.nodes[].status] | unique == [\"built\"]" "$1"' sh "$long/c.json"
same "the same bytes" "$(digests "$scratch/a.json")" "$(digests "$long/c.json")"

echo "# root in a chroot"
real=$scratch/real
since=$(date +%s)
# unpacked NODE DIRECTORY
unpacked() {
	root mkdir "$2" && root tar --xattrs --xattrs-include='*' --numeric-owner -xpf "$p/out/$1/root.tar" -C "$2"
}
cat >"$scratch/step" <<'END'
set -e
hostname localhost
ip link set lo up
cd "$1"
mkdir -p proc dev run tmp sys
mount -t proc proc proc
mount -t tmpfs -o mode=0755 tmpfs dev
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir dev/pts run/lock run/orch
mkdir -m 1777 dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
for d in null zero full random urandom tty; do
	: >"dev/$d"
	mount --bind "/dev/$d" "dev/$d"
done
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
for n in 0 1 2; do ln -s /proc/self/fd/$n "dev/$(echo stdin stdout stderr | cut -d' ' -f$((n + 1)))"; done
cp "$2" run/orch/step
unset OLDPWD
exec chroot . sh -e /run/orch/step
END
# shellcheck disable=SC2317 # called by check
by_root() { # SCRIPT
	# shellcheck disable=SC2046 # the environment of steps, as the tree's own says
	root env -i $(tar -xOf "$p/out/changed/root.tar" seen | grep -E '^[A-Z_]+=[^ ]*$' | grep -v ^PWD=) \
		setpriv --clear-groups unshare --mount --pid --net --ipc --uts --fork --kill-child \
		sh "$scratch/step" "$real" "$1" </dev/null
}
check "the tree before the steps" unpacked accounts "$real"
(echo 'rm -rf /var/lib/users'; users_script) >"$scratch/1"
users_later >"$scratch/2"
users_look >"$scratch/3"
for n in 1 2 3; do check "step $n" by_root "$scratch/$n"; done
check "the tree of orch" unpacked changed "$scratch/ours"
if root python3 "$here/tests/e2e/real-dpkg.py" "$scratch/ours" "$real" "$here/tests/e2e/real-dpkg.exceptions" "$since" \
	>"$scratch/diff"; then
	ok "what root makes: $(tail -n 1 "$scratch/diff")"
else
	head -n 60 "$scratch/diff" | cut -c 1-300 | sed 's/^/  /'
	diff "$scratch/ours/seen" "$real/seen" | head -n 40 | sed 's/^/  /'
	not_ok "what root makes: $(tail -n 1 "$scratch/diff")"
fi
finish
