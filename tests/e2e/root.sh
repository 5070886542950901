#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Root builds nothing as root: in a user's project he is that user, in his own an id of its own.
# root
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
# Without what tells who called sudo: as on a CI runner.
# shellcheck disable=SC2086
root() { ${AS_ROOT:-} env -u SUDO_UID -u SUDO_GID ORCH_STORE="$ORCH_STORE" "$@"; }
# shellcheck disable=SC2086
user() { ${AS_USER:-} "$@"; }
# shellcheck disable=SC2317 # called by the trap
clean() { ${AS_ROOT:-} rm -rf "$scratch"; }
trap clean EXIT
p=$scratch/p
root chmod 755 "$scratch"
small_project "$p"
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: []\n' >"$p/recipes/image.yaml"
cat >"$p/recipes/card.yaml" <<'END'
kind: disk
partitions:
  - {name: data, type: linux-generic, size: 4M, filesystem: ext4}
END
# What a step may do to the machine; it fails, so that its files stay.
cat >"$p/recipes/attack.yaml" <<'END'
kind: run
run:
  - |
    : >mine
    if cat /etc/shadow; then echo "GOT the passwords"; fi
    if echo '|/x' >/proc/sys/kernel/core_pattern; then echo "GOT core_pattern"; fi
    if mkdir /etc/x; then echo "GOT /etc"; fi
    if setpriv --reuid=0 --clear-groups cat /etc/shadow; then echo "GOT them as root"; fi
    exit 1
outputs: [x]
END
copy_orch "$ORCH" "$scratch"
orch=$scratch/orch
[ -z "${AS_USER:-}" ] || chown -R "$(user id -u):$(user id -g)" "$scratch"
# attacked WHO PROJECT UID: what the attack did; its files are UID's on the disk
attacked() {
	code "$1: the attack ends" 1 root "$orch" -C "$2" build attack
	root "$orch" -C "$2" log attack >"$scratch/log"
	lacks "$1: what a step gets" GOT "$scratch/log"
	same "$1: whose its files are" "$3" "$(root find "$ORCH_STORE/failed" -name mine -printf '%U')"
}
# of_root DIRECTORY...: what is root's there
of_root() { root find "$@" -uid 0; }

echo "# a user's project"
uid=$(user id -u)
code "the owner builds" 0 user "$orch" -C "$p" build leaf1
code "root builds" 0 root "$orch" -C "$p" build all card
for command in 'plan all' 'build --dry-run all' 'graph' 'check --rules' 'kinds run' 'runs' 'store du'; do
	# shellcheck disable=SC2086
	code "root may: $command" 0 root "$orch" -C "$p" $command
done
attacked "a user's project" "$p" "$uid"
code "root stands in its sandbox" 0 root sh -c "echo 'id -u; : >x' | '$orch' -C '$p' shell leaf1"
card=$scratch/card
truncate -s 16M "$card"
root chown 0:0 "$card"
root chmod 600 "$card"
code "root writes a card that is his alone" 0 root "$orch" -C "$p" flash card "$card" --yes
code "and the owner cannot" 7 user "$orch" -C "$p" flash card "$card" --yes
if loop=$(root losetup --find --show --read-only "$card" 2>"$scratch/err"); then
	code "a disk that cannot be written is refused at once" 2 root "$orch" -C "$p" flash card "$loop" --yes
	check "with the reason" grep -q "'$loop' is read-only" "$scratch/err"
	same "that the list has" "read-only: look for a switch on the card" \
		"$(user "$orch" flash --list --json | jq -r --arg d "$loop" '.disks[] | select(.device == $d).why')"
	root losetup --detach "$loop"
	loop=$(root losetup --find --show "$card")
	same "one that root may write is told as that" "null false true" "$(user "$orch" flash --list --json |
		jq -r --arg d "$loop" '.disks[] | select(.device == $d) | "\(.why) \(.writable) \(.usable)"')"
	code "and root writes it, from the user's store" 0 root "$orch" -C "$p" flash card "$loop" --yes
	lacks "without building" '\] built' "$scratch/err"
	root losetup --detach "$loop"
else
	skip "no loop devices: $(head -n 1 "$scratch/err")"
fi
check "the card is the image" root cmp -n 1048576 -i 1048576 "$p/out/card/card.img" "$card"
same "nothing of it is root's" "" "$(of_root "$p" "$ORCH_STORE")"
code "a new project is the owner's too" 0 root "$orch" init "$p/new"
same "all of it" "" "$(of_root "$p")"
code "outside of it, root is who called sudo" 0 root sh -c "cd / && exec \"\$@\"" sh \
	env SUDO_UID="$uid" SUDO_GID="$(user id -g)" "$orch" store verify
same "and leaves nothing of root's in his store" "" "$(of_root "$ORCH_STORE")"
# sudo hands on no variables; where the store is, is asked of it.
mkdir "$scratch/bin"
printf '#!/bin/sh\nenv -u ORCH_STORE -u XDG_CONFIG_HOME "$@"\nexit $?\n' >"$scratch/bin/sudo"
chmod 755 "$scratch/bin/sudo"
sudo_store() { # UID, who called sudo
	root XDG_CONFIG_HOME="$p/conf" "$scratch/bin/sudo" SUDO_UID="$1" SUDO_GID="$(user id -g)" \
		"$orch" -C "$p" config --json | jq -r '.settings[] | select(.name == "store").value'
}
same "the store is the one that sudo was told" "$ORCH_STORE" "$(sudo_store "$uid")"
check "but for nobody else" test "$(sudo_store $((uid + 1)))" != "$ORCH_STORE"
echo >>"$p/src/one"
code "the owner builds on" 0 user "$orch" -C "$p" build all
code "and collects" 0 user "$orch" store gc --size 1
code "and builds again" 0 user "$orch" -C "$p" build all

echo "# root's project, where nobody else may go"
own=2000000000
export ORCH_STORE="$scratch/home/.cache/orch"
r=$scratch/home/r
root mkdir -m 700 "$scratch/home"
root cp -R "$p" "$r"
root rm -rf "$r/out"
root sh -c 'umask 077; mkdir -p "$1/cas" "$1/logs/old"; : >"$1/lock"' sh "$ORCH_STORE" # of an orch that was root
root chown -R 0:0 "$scratch/home"
root cp recipes/pki.yaml "$r/recipes/"
code "root makes keys" 0 root "$orch" -C "$r" pki init
code "root builds" 0 root "$orch" -C "$r" build all card pki --result-json "$r/result.json"
code "and again: nothing to do" 0 root "$orch" -C "$r" plan --exit-code all card pki
attacked "root's project" "$r" "$own"
same "all of the project is root's" "" "$(root find "$r" ! -uid 0)"
same "nothing of the store is" "" "$(of_root "$ORCH_STORE")"
code "root writes a card" 0 root "$orch" -C "$r" flash card "$card" --yes
mkdir -p "$scratch/store-demo"
echo kept >"$scratch/store-demo/file"
code "the demo is of who called sudo, wherever that was" 2 root sh -c 'cd "$1" && shift && exec "$@"' sh "$r" \
	env SUDO_UID="$uid" SUDO_GID="$(user id -g)" ORCH_STORE="$scratch/store" "$orch" demo
check "which is told" grep -q "'$scratch/store-demo' is not empty, and is not a project" "$scratch/err"
code "root collects from outside of the project" 0 root sh -c "cd / && '$orch' store gc --size 1"
code "root may use no store of a user's" 7 root env ORCH_STORE="$scratch/store" "$orch" -C "$r" build all
same "and leaves nothing in it" "" "$(root find "$scratch/store" ! -uid "$uid")"
echo kept >"$scratch/kept"
root mkdir "$scratch/other"
root cp "$scratch/kept" "$scratch/other/"
root chown -R 0:0 "$scratch/other"
code "what is no store is refused" 2 root env ORCH_STORE="$scratch/other" "$orch" -C "$r" build all
same "and stays root's" "" "$(root find "$scratch/other" ! -uid 0)"

echo "# what steps of root's project reach"
root cp tests/e2e/reach.py "$r/"
printf 'kind: run\ninputs: [reach.py]\nrun: ["python3 reach.py >said"]\noutputs: [said]\n' >"$scratch/reach.yaml"
root cp "$scratch/reach.yaml" "$r/recipes/reach.yaml"
echo 'nested: true' >>"$scratch/reach.yaml"
root cp "$scratch/reach.yaml" "$r/recipes/nested.yaml"
code "root builds what reaches out" 0 root "$orch" -C "$r" build reach nested
same "it reaches nothing" nothing "$(root cat "$r/out/reach/said")"
root cat "$r/out/nested/said" >"$scratch/nested"
lacks "nor do nested steps, of the machine" '(^| )(keys|bpf|perf|io_uring|vsock|packet|/proc/sys|/proc/irq|/proc/k[cm])' "$scratch/nested"
finish
