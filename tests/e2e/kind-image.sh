#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kinds image and disk: what is in them, that they are clean, and that nothing depends on when, where
# or by whom they were made.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"

# project DIR: a small one, complete from tree to disk
project() {
	mkdir -p "$1/recipes" "$1/rootfs/etc/systemd/system" "$1/rootfs/usr/bin" "$1/in"
	printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card, build]\n' \
		>"$1/recipes/project.yaml"
	echo '#!/bin/sh' >"$1/rootfs/usr/bin/app"
	chmod 755 "$1/rootfs/usr/bin/app"
	ln -sf /usr/share/zoneinfo/UTC "$1/rootfs/etc/localtime"
	printf '[Service]\nExecStart=/usr/bin/app\n[Install]\nWantedBy=multi-user.target\n' \
		>"$1/rootfs/etc/systemd/system/app.service"
	cat >"$1/recipes/base.yaml" <<'END'
kind: run
run:
  - |
    mkdir -p t/usr/lib/systemd/boot/efi t/boot t/etc/ssh t/var/lib/x
    echo MZ >t/usr/lib/systemd/boot/efi/systemd-bootaa64.efi
    echo kernel >t/boot/vmlinuz-6.12.1
    echo initrd >t/boot/initrd.img-6.12.1
    printf -- '-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n' >t/etc/ssh/ssh_host_key
    echo secret >t/etc/shadow
    head -c 3000000 /dev/zero | tr '\0' x >t/var/lib/x/large
    ln t/var/lib/x/large t/var/lib/x/same
    tar --sort=name --owner=0 --group=42 --numeric-owner --mtime=@1 -C t -cf root.tar .
outputs: [root.tar]
END
	cat >"$1/recipes/root.yaml" <<'END'
kind: image
filesystem: ext4
size: 64M
contents:
  - {unpack: base}
  - {copy: rootfs/, to: /}
  - {copy: "base:/boot/vmlinuz-6.12.1", to: /copies/, owner: "7:8"}
units: {enable: [app.service]}
remove: ["/etc/ssh/ssh_host_*"]
modes: {/etc/shadow: "0640 0:42"}
END
	cat >"$1/recipes/boot.yaml" <<'END'
kind: image
filesystem: vfat
size: 40M
contents: [{copy: "base:/boot", to: /}]
END
	cat >"$1/recipes/build.yaml" <<'END'
kind: image
size: 128M
table: gpt
bootloader: systemd-boot
partitions:
  - {name: esp, type: esp, size: 40M, filesystem: vfat, mount: /boot/efi}
  - {name: root, type: root-arm64, filesystem: ext4, mount: /}
contents: [{unpack: base}]
allow-private-keys: [/etc/ssh/*]
END
	cat >"$1/recipes/card.yaml" <<'END'
kind: disk
reserved: [{name: env, at: 1M, size: 32K}]
partitions:
  - {name: boot, type: esp, from: boot, region: 2x}
  - {name: root-a, type: root-arm64, from: root, size: 70M}
  - {name: data, type: linux-generic, size: 16M, filesystem: ext4, grow: true}
END
}

# show FILE: its line of debugfs 'stat' about mode, owner and links, on one line
show() { debugfs -R "stat $1" "$root" 2>/dev/null | tr -s ' \n' ' '; }

p=$scratch/p
project "$p"
check "build" "$orch" -C "$p" build
root=$p/out/root/root.img
check "build the parts" "$orch" -C "$p" build root boot

echo "# the root file system"
check "e2fsck" e2fsck -fn "$root"
check "fits its size" test "$(stat -c %s "$root")" = 67108864
check "is sparse" test "$(stat -c %b "$root")" -lt 16000
check "mode and owner by the recipe" sh -c 'case $1 in *"Mode: 0640"*"User: 0 Group: 42"*) ;; *) exit 1 ;; esac' \
	sh "$(show /etc/shadow)"
check "executable of the project" sh -c 'case $1 in *"Mode: 0755"*"User: 0 Group: 0"*) ;; *) exit 1 ;; esac' \
	sh "$(show /usr/bin/app)"
check "owner of a copy" sh -c 'case $1 in *"User: 7 Group: 8"*) ;; *) exit 1 ;; esac' \
	sh "$(show /copies/vmlinuz-6.12.1)"
check "hard links" sh -c 'case $1 in *"Links: 2"*) ;; *) exit 1 ;; esac' sh "$(show /var/lib/x/same)"
check "time of the epoch" sh -c 'case $1 in *"mtime: 0x67748580"*) ;; *) exit 1 ;; esac' \
	sh "$(show /usr/bin/app)"
check "link as it is" sh -c 'case $1 in *"/usr/share/zoneinfo/UTC"*) ;; *) exit 1 ;; esac' \
	sh "$(show /etc/localtime)"
check "enabled unit" sh -c 'case $1 in *"/etc/systemd/system/app.service"*) ;; *) exit 1 ;; esac' \
	sh "$(show /etc/systemd/system/multi-user.target.wants/app.service)"
same "removed" no "$(in_ext4 "$root" /etc/ssh/ssh_host_key)"
same "and its directory is not" yes "$(in_ext4 "$root" /etc/ssh)"

echo "# disks"
check "fsck.fat" fsck.fat -n "$p/out/boot/boot.img"
same "files of the boot image" "initrd.img-6.12.1 vmlinuz-6.12.1 " \
	"$(mdir -b -i "$p/out/boot/boot.img" :: | sed 's,^::/,,' | sort | tr '\n' ' ')"
check "table" sh -c 'sfdisk --verify "$1" | grep -q "No errors"' sh "$p/out/card/card.img"
sfdisk -d "$p/out/card/card.img" >"$scratch/table"
check "first usable block" grep -qx 'first-lba: 8192' "$scratch/table"
check "root behind twice the boot slot" grep -q 'start= *172032, size= *143360.*name="root-a"' "$scratch/table"
check "growing partition" grep -q 'name="data", attrs="GUID:59"' "$scratch/table"
check "root in its slot" cmp -n 67108864 -i 88080384:0 "$p/out/card/card.img" "$root"
check "data partition" e2fsck -fn "$p/out/card/card.img?offset=161480704"
check "card is sparse" test "$(stat -c %b "$p/out/card/card.img")" -lt 20000
dd if="$p/out/build/build.img" of="$scratch/esp" bs=1M skip=1 count=40 status=none
uuid=$(sfdisk --part-uuid "$p/out/build/build.img" 2 | tr A-F a-f)
same "boot entry" "options root=PARTUUID=$uuid rw" \
	"$(mtype -i "$scratch/esp" ::loader/entries/demo-6.12.1.conf | tail -n 1)"
same "boot loader" MZ "$(mtype -i "$scratch/esp" ::EFI/BOOT/BOOTAA64.EFI)"

echo "# the same bytes"
q=$scratch/elsewhere/and/deeper
(umask 077 && project "$q")
chmod 700 "$q/rootfs/usr/bin/app"
find "$q/rootfs" -exec touch -h -d '2001-01-01' {} +
check "build elsewhere" env ORCH_STORE="$scratch/store2" LC_ALL=C TZ=Asia/Tokyo "$orch" -C "$q" build
for f in card/card.img build/build.img; do check "$f" cmp "$p/out/$f" "$q/out/$f"; done

echo "# what is git's own, a directory in a clone, a file in a submodule"
g=$scratch/git
mkdir -p "$g/recipes" "$g/over/.git/objects" "$g/over/sub"
printf 'schema: 1\nname: git\nversion: "1"\n' >"$g/recipes/project.yaml"
echo "ref: refs/heads/main" >"$g/over/.git/HEAD"
echo "gitdir: ../../.git/modules/sub" >"$g/over/sub/.git"
echo "*.o" >"$g/over/.gitignore"
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: over/, to: /}]\n' >"$g/recipes/img.yaml"
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: over/, to: /, keep-git: true}]\n' \
	>"$g/recipes/kept.yaml"
printf 'kind: run\ninputs: [over]\nrun: ["find over | sort >list"]\noutputs: [list]\n' >"$g/recipes/step.yaml"
code "built with them" 0 "$orch" -C "$g" build img kept step
same "they are not in the image" "::/.gitignore
::/sub/" "$(mdir -b -a -i "$g/out/img/img.img" ::)"
same "nor below it" "" "$(mdir -b -a -i "$g/out/img/img.img" ::sub | grep git)"
check "unless they are meant" grep -q '/.git/$' <<END
$(mdir -b -a -i "$g/out/kept/kept.img" ::)
END
same "nor are they inputs of steps" "over over/.gitignore over/sub" "$(tr '\n' ' ' <"$g/out/step/list" | sed 's/ $//')"
echo "ref: refs/heads/other" >"$g/over/.git/HEAD"
same "another commit builds only what has them" kept \
	"$("$orch" -C "$g" plan --json | jq -r '.nodes[] | select(.verdict == "build") | .name')"

echo "# larger than this disk"
printf 'kind: image\nfilesystem: ext4\nsize: 8T\ncontents: []\n' >"$p/recipes/large.yaml"
code "an image is as large as its data" 0 "$orch" -C "$p" build large
rm "$p/recipes/large.yaml"

echo "# refused"
sed -i 's/^size: .*/size: 3M/' "$p/recipes/root.yaml"
code "content larger than its image" 2 "$orch" -C "$p" build root
check "both sizes are told" grep -q 'root: its content needs .* a file system of 3.0 MiB has room for' "$scratch/err"
project "$p"
sed -i 's/from: root, size: 70M/from: root, size: 60M/' "$p/recipes/card.yaml"
code "image larger than its slot" 2 "$orch" -C "$p" build card
project "$p"
sed -i '/^allow-private-keys/d' "$p/recipes/build.yaml"
code "private key" 2 "$orch" -C "$p" build build
check "the key is named" grep -q "'/etc/ssh/ssh_host_key' holds a private key" "$scratch/err"
sed -i 's/app.service/nope.service/' "$p/recipes/root.yaml"
code "unknown unit" 2 "$orch" -C "$p" build root
check "the unit is named" grep -q "there is no unit 'nope.service'" "$scratch/err"

finish
