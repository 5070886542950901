#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reference project as people edit it: what an edit rebuilds, and that nothing else does.
# Builds what the store does not have; the tools of the distribution judge what comes out.
# packages
. tests/e2e/lib.sh
p=$scratch/p
reference_project "$p"
# shellcheck disable=SC2317 # called by code
build() { "$orch" -C "$p" build --result-json "$result" "$@"; }

code "the project is built" 0 build
[ "$failures" = 0 ] || finish
first=$(digests "$result")
# keys: each node's, of the last result
keys() { jq -r '.nodes[] | .name + " " + .key' "$result" | sort; }
keys >"$scratch/keys"

# --- what comes out --------------------------------------------------------------------------------
cp "$p/out/bundle/bundle.raucb" "$p/out/install/install.img" "$scratch/"
check "rauc reads the bundle" rauc --keyring="$p/pki/keyring.pem" info "$scratch/bundle.raucb"
sfdisk -d "$scratch/install.img" >"$scratch/table" 2>&1
same "the boot region is not free space" 8192 "$(sed -n 's/^first-lba: //p' "$scratch/table")"
same "partitions" "boot root-a root-b app-a app-b data" "$(sed -n 's/.*name="\([^"]*\)".*/\1/p' "$scratch/table" | xargs)"
check "the table is sound" sfdisk --verify "$scratch/install.img"
code "slots alone" 0 build root boot
check "ext4 is clean" e2fsck -fn "$p/out/root/root.img"
check "FAT is clean" fsck.fat -n "$p/out/boot/boot.img"
debugfs -R 'cat /etc/rauc/keyring.pem' "$p/out/root/root.img" 2>/dev/null >"$scratch/keyring"
check "devices get the keyring" cmp "$scratch/keyring" "$p/pki/keyring.pem"
debugfs -R 'ls -p /etc/ssh' "$p/out/root/root.img" >"$scratch/ssh" 2>/dev/null
check "the device has ssh" grep -q '/sshd_config/' "$scratch/ssh"
lacks "no ssh host key ships" 'ssh_host_' "$scratch/ssh"
check "the natively built application is there" sh -c \
	"debugfs -R 'dump /usr/bin/edge-app $scratch/app' '$p/out/root/root.img' && readelf -h '$scratch/app' | grep -q AArch64"

# the bill of materials has the packages that dpkg finds in the image, each with the .deb that was locked
mkdir "$scratch/dpkg"
debugfs -R "rdump /var/lib/dpkg $scratch/dpkg" "$p/out/root/root.img" >/dev/null 2>&1
code "a bill of materials" 0 "$orch" -C "$p" sbom bundle --format spdx
# shellcheck disable=SC2016 # dpkg's own
same "has the packages of the image" "$(dpkg-query --admindir="$scratch/dpkg/dpkg" -W -f '${Package} ${Version}\n' | sort)" \
	"$(jq -r '(.packages[] | select(.name == "root").SPDXID) as $root | (.relationships | map(select(.spdxElementId == $root).relatedSpdxElement)) as $in |
	.packages[] | select(.SPDXID as $id | ($id | startswith("SPDXRef-Package-")) and ($in | index($id))) | .name + " " + .versionInfo' "$scratch/out" | sort)"
same "with the digests of the lock" "$(sed -n 's/^package debian netbase .*deb [0-9]* \([0-9a-f]*\) .*/\1/p' recipes/base.lock)" \
	"$(jq -r '.packages[] | select(.name == "netbase" and .versionInfo and .checksums).checksums[0].checksumValue' "$scratch/out")"
same "and the sources of what was compiled" u-boot "$(jq -r '[.packages[] | .externalRefs[]?.referenceLocator | capture("^pkg:deb/debian/(?<n>u-boot)@").n] | first' "$scratch/out")"

# --- nothing changed -------------------------------------------------------------------------------
nothing() { # NAME COMMAND...
	name=$1
	shift
	"$@"
	same "$name: nothing is built" "" "$(built "$p")"
}
nothing "second run" true
nothing "touch" find "$p" -name out -prune -o -type f -exec touch {} +
comment() { echo '# a remark' >>"$p/recipes/base.yaml"; }
nothing "comment" comment
elsewhere() {
	mkdir "$scratch/elsewhere"
	(umask 077 && cp -R "$p/recipes" "$p/rootfs" "$p/custom_build" "$p/tests" "$p/pki" "$scratch/elsewhere/")
	p=$scratch/elsewhere
}
nothing "another directory, another umask" elsewhere
p=$scratch/p

# --- an edit builds what it reaches ----------------------------------------------------------------
# Edits that no earlier run has made: the store would know what comes of them.
edit=$(date +%s)
echo "edited-$edit" >"$p/rootfs/etc/hostname"
same "overlay edit: no guest boots" "bundle install root" "$(built "$p")"
check "why says the file" sh -c "'$orch' -C '$p' why root | grep -q 'rootfs/etc/hostname'"
git_hostname() { cp rootfs/etc/hostname "$p/rootfs/etc/hostname"; }
nothing "edit taken back" git_hostname
same "and everything is as it was" "$first" "$(digests "$result")"
sed -i "s/^version:.*/version: \"1.0.$edit\"/" "$p/recipes/project.yaml"
same "a new version makes a new bundle and a card that names it" "bundle install" "$(built "$p")"
cp recipes/project.yaml "$p/recipes/"

sed -i 's/^  - netbase$/  - netbase\n  - less/' "$p/recipes/base.yaml"
code "another package asks for a lock" 2 build
check "and says how" grep -q 'orch lock' "$scratch/err"
code "it is locked" 0 "$orch" -C "$p" lock base
code "one package more" 0 build
same "compiles, boots and tests nothing" "base bundle install root system tests/shipped" \
	"$(keys | comm -13 "$scratch/keys" - | cut -d' ' -f1 | xargs)"
code "the root slot" 0 build root
same "has it" yes "$(in_ext4 "$p/out/root/root.img" /usr/bin/less)"
cp recipes/base.yaml recipes/base.lock "$p/recipes/"

sed -i 's/linux-image-arm64/linux-image-rt-arm64/' "$p/recipes/build-base.yaml" "$p/recipes/platform-kernel.yaml"
for node in build-base platform-kernel base; do code "another kernel is locked in $node" 0 "$orch" -C "$p" lock $node; done
verdict() { jq -r --arg name "$1" '.nodes[] | select(.name == $name).verdict' "$scratch/out"; }
code "what another kernel builds" 0 "$orch" -C "$p" plan --json
same "the initramfs waits for it, the platform does not" "perhaps cached" \
	"$(verdict initramfs) $(verdict platform)"
cp recipes/*.yaml recipes/*.lock "$p/recipes/"
finish
