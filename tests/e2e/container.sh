#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Root in a container, as on CI runners: no idmapped mounts on its file system, often no right to mount anything.
# root
. tests/e2e/lib.sh
# shellcheck disable=SC2086
root() { ${AS_ROOT:-} env -u SUDO_UID -u SUDO_GID -u ORCH_STORE -u XDG_CACHE_HOME HOME=/root "$@"; }
# shellcheck disable=SC2086
user() { ${AS_USER:-} "$@"; }
# shellcheck disable=SC2317 # called by the trap
clean() { ${AS_ROOT:-} rm -rf "$scratch"; }
trap clean EXIT
root chmod 755 "$scratch"
copy_orch "$ORCH" "$scratch"
p=$scratch/p
small_project "$p"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: src, to: /}]\n' >"$p/recipes/image.yaml"
cat >"$p/recipes/slow.yaml" <<'END'
kind: run
run: ["echo waiting; sleep 300"]
outputs: [x]
END
cat >"$p/recipes/attack.yaml" <<'END'
kind: run
run:
  - |
    : >mine
    if cat /etc/shadow; then echo "GOT the passwords"; fi
    if mkdir /etc/x; then echo "GOT /etc"; fi
    if [ -e /root/p ] || [ -e /var/cache/orch-projects ]; then echo "GOT the project"; fi
    exit 1
outputs: [x]
END
cp recipes/pki.yaml "$p/recipes/"
ln -s /etc "$p/elsewhere"
[ -z "${AS_USER:-}" ] || chown -R "$(user id -u):$(user id -g)" "$scratch"

# A container: the machine's own files under an overlay in memory, thrown away at its end. $1: how / is changed.
cat >"$scratch/container" <<'END'
set -e
how=$1
shift
mount --make-rprivate /
mkdir -p "$scratch/o"
mount -t tmpfs none "$scratch/o"
cd "$scratch/o"
mkdir upper work root
mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root
for dir in proc dev sys; do mount --rbind /$dir root/$dir; done
cd root
rm -rf root/p var/cache/orch-*
cp -R "$scratch/p" root/p
chown -R 0:0 root/p
chmod 700 root
if [ "$how" = chroot ]; then exec chroot . "$@"; fi # where no namespace can be made
mkdir -p old
pivot_root . old
cd /
umount -l /old
exec "$@"
END
# What docker leaves to root.
docker=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw
docker=$docker,+sys_chroot,+mknod,+audit_write,+setfcap
contained() { # HOW COMMAND...
	root env scratch="$scratch" orch="$scratch/orch" unshare -m --propagation private sh "$scratch/container" "$@"
}
# said WORD: what the container's script said of it
said() { sed -n "s/^$1: //p" "$scratch/said"; }

echo "# root may mount, but not show its files as another's"
cat >"$scratch/mounts" <<'END'
cd /root/p
answer() { printf '%s: ' "$1"; shift; "$@" 2>&1 | tr '\n' ' '; echo; }
$orch build all --result-json /root/p/result.json 2>first
echo "built: $? $(jq -r '[.nodes[] | select(.status == "built").name] | sort | join(" ")' result.json)"
answer sum cat out/all/sum
cd src
$orch plan all --exit-code >/dev/null 2>../second
echo "again: $?"
cd ..
answer foreign find . ! -uid 0
answer note sh -c 'grep -c "works on a copy of it" first; grep -c "works on a copy" second'
echo more >>src/one
rm -r out/all
$orch build all --result-json result.json 2>/dev/null
echo "edited: $? $(jq -r '[.nodes[] | select(.status == "built").name] | sort | join(" ")' result.json) $(ls out/all)"
$orch pki init >/dev/null
echo "pki: $? $(stat -c %u:%a pki/private/signer.key)"
answer keys find /var/cache/orch-projects /var/cache/orch-2000000000 -name '*.key'
answer copy stat -c %u:%a /var/cache/orch-projects/p-*[0-9a-f]
$orch build attack >/dev/null 2>&1
echo "attack: $? $(find /var/cache/orch-2000000000 -name mine -printf '%U')"
$orch log attack >attack.log
answer got grep GOT attack.log
answer log grep -c shadow attack.log
(cd / && $orch store gc --size 1 >/dev/null 2>&1)
echo "gc: $?"
mkdir -p /root/closed
$orch --store /root/closed plan >/dev/null 2>closed
echo "closed: $? $(grep -c "no other user may pass '/root'" closed)"
$orch --store .store build leaf1 >/dev/null 2>&1
echo "inside: $?"
chmod 711 /root
$orch --store .store build leaf1 >/dev/null 2>&1
echo "store: $? $(stat -c %u .store) $(find /var/cache/orch-projects -name '.store')"
$orch --store .store build slow >/dev/null 2>&1 &
pid=$!
for i in $(seq 100); do grep -qs waiting .store/logs/*/* && break; sleep 0.1; done
kill -TERM $pid
wait $pid
echo "stopped: $? $(pgrep -x -P 1 -u 0,2000000000 orch)" # others may have theirs
END
contained pivot sh "$scratch/mounts" >"$scratch/said" 2>"$scratch/err" || cat "$scratch/err"
same "root builds" "0 all leaf1 leaf2 leaf3 two" "$(said built)"
check "what was made is there" test "$(said sum | wc -w)" = 2
same "from below the project: nothing to do" 0 "$(said again)"
same "all of the project is root's" "" "$(said foreign)"
same "it is said once that there is a copy" "1 0 " "$(said note)"
same "an edit is seen, what was removed is made again" "0 all leaf1 leaf2 leaf3 two sum" "$(said edited)"
same "root makes keys" "0 0:600" "$(said pki)"
same "and no copy of one stays" "" "$(said keys)"
same "whose the copy is" "2000000000:700 " "$(said copy)"
same "a step fails as nobody" "1 2000000000" "$(said attack)"
same "and gets nothing" "" "$(said got)"
same "what it tried is in the log" "1 " "$(said log)"
same "root collects from outside of the project" 0 "$(said gc)"
same "a store that nobody else reaches is refused" "7 1" "$(said closed)"
same "so is one in the project there" 7 "$(said inside)"
same "elsewhere it is used where it is" "0 2000000000" "$(said store | sed 's/ *$//')"
same "SIGTERM ends all" 143 "$(said stopped | sed 's/ *$//')"

echo "# root may mount nothing and make no namespaces"
cat >"$scratch/plain" <<'END'
cd /root/p
$orch build image >/dev/null 2>&1
echo "image: $? $(stat -c %u out/image/image.img)"
$orch build leaf1 >/dev/null 2>run
echo "run: $? $(grep -o "seccomp=unconfined" run | sort -u)"
mkdir -p /w/repo
cp -R /root/p /w/repo/
cd /w/repo
sed -i 's/^version: .*/version: git/' p/recipes/project.yaml
printf 'kind: disk\ntable: gpt\npartitions: [{name: root, type: linux-generic, from: image}]\n' >p/recipes/card.yaml
mkdir -p /root/.config/git
printf '[user]\n\tname = root\n' >/root/.config/git/config
git init -q . && git add . && git -c user.name=a -c user.email=a@example.com commit -q -m one
git tag v4.5.6
$orch -C p build card >/dev/null 2>git
echo "version: $? $(jq -r .predicate.buildDefinition.externalParameters.version p/out/card/card.provenance.json)"
echo "commit: $(jq -r '.predicate.buildDefinition.resolvedDependencies[] | select(.name == "project") |
	.digest.gitCommit' p/out/card/card.provenance.json | grep -cx "$(git rev-parse HEAD)") $(grep -ci 'warning\|denied' git)"
echo more >>p/src/one
mkdir -m 700 /w/runner
: >/w/runner/step
cd p
echo "changed: $($orch changed --since HEAD --json image | jq -r '.nodes[] | .verdict + " " + .name' 2>&1)"
GITHUB_ACTIONS=true GITHUB_WORKSPACE=/w/repo GITHUB_STEP_SUMMARY=/w/runner/step \
	$orch build image --junit junit.xml >/dev/null 2>&1
echo "reports: $? $(grep -c '^### orch build: ok' /w/runner/step) $(stat -c %u junit.xml)"
mkdir /w/shared
chmod 777 /w/shared
ORCH_CACHE=file:///w/shared?size=1G $orch cache push image >/dev/null 2>&1
echo "shared: $?"
$orch store gc --size 1 >/dev/null 2>&1
chown -R 0:0 /w/shared # as what a CI unpacks
chmod -R a+rwX /w/shared
ORCH_CACHE=file:///w/shared?size=1G $orch cache pull image >/dev/null 2>&1
echo "pulled: $? $($orch plan image | tail -n 1)"
END
contained chroot setpriv --bounding-set="$docker" --inh-caps=-all sh "$scratch/plain" >"$scratch/said" 2>"$scratch/err" ||
	cat "$scratch/err"
same "root makes an image" "0 0" "$(said image)"
same "steps with the machine's own programs say what they need" "7 seccomp=unconfined" "$(said run)"
same "the version is that of the repository" "0 4.5.6" "$(said version)"
same "so is the commit, and root's settings are not looked for" "1 0" "$(said commit)"
same "the repository of the copy's project is asked" "changed image" "$(said changed)"
same "the runner's own file gets the summary" "0 1 0" "$(said reports)"
same "a directory that others may write is shared" 0 "$(said shared)"
same "and read when a CI has unpacked it" "0 0 to build, 0 perhaps, 1 cached" "$(said pulled)"

echo "# root of a container without root"
if user unshare -r true 2>/dev/null; then
	check "the user's root builds" user env ORCH_STORE="$scratch/store" unshare -r "$scratch/orch" -C "$p" build all
	same "and all is the user's" "" "$(find "$p" "$scratch/store" ! -uid "$(user id -u)")"
else
	skip "no user namespaces here"
fi
finish
