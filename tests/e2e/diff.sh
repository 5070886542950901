#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch diff: changes that were planted in a root file system are all told, and no others, seen in trees, in
# images, on disks, in bundles and in directories of releases; of runs, revisions and nodes.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes"
cd "$p" || exit 1
recipe() { cat >"recipes/$1.yaml"; } # NAME, text on stdin

# tar FILE [after]: a root file system, with what is planted.
cat >"$scratch/root.py" <<'END'
import io, random, sys, tarfile
random.seed(1)
after = len(sys.argv) > 2
status = ""
lists = {}
def package(name, version, *files):
    global status
    status += f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: arm64\nMaintainer: x\n\n"
    lists[name] = "/.\n" + "".join(f"/{f}\n" for f in files)
package("same", "1.0-1", "usr/bin/same")
package("up", "1:2.0" if after else "1.9~rc1", "usr/bin/up", "usr/share/up")
package("down", "2.0~rc1" if after else "2.0", "usr/bin/down")
package("new" if after else "old", "1", "usr/bin/new" if after else "usr/bin/old")
files = {  # path: (mode, uid, content, capability)
    "usr/bin/same": (0o755, 0, b"same", None),
    "usr/bin/up": (0o755, 0, b"two" if after else b"one!", None),
    "usr/share/up": (0o644, 0, b"two" if after else b"one", None),
    "usr/bin/down": (0o755, 0, b"d", None),
    ("usr/bin/new" if after else "usr/bin/old"): (0o755, 0, b"n", None),
    "usr/bin/tool": (0o4755 if after else 0o755, 0, b"tool", None),
    "usr/bin/ping": (0o755, 0, b"ping", b"\x01\x00\x00\x02\x00\x20\x00\x00" + bytes(12) if after else None),
    "etc/owned": (0o644, 7 if after else 0, b"x", None),
    "etc/mode": (0o666 if after else 0o644, 0, b"x", None),
    "etc/bytes": (0o644, 0, b"abd" if after else b"abc", None),
    "etc/a|b\x1b[2J": (0o644, 0, b"1" if after else b"22", None),
    "usr/lib/big": (0o644, 0, bytes(range(256)) * 400 + (b"z" * 50000 if after else b""), None),
    "etc/passwd": (0o644, 0, b"root:x:0:0::/root:/bin/sh\n" + (b"toor:x:0:0::/:/bin/sh\n" if after else b"app:x:990:990::/:/bin/sh\n"), None),
    "etc/group": (0o644, 0, b"root:x:0:\ngpio:x:995:" + (b"app\n" if after else b"\n"), None),
    "etc/shadow": (0o640, 0, b"root:" + (b"$6$abc" if after else b"*") + b":1::::::\n", None),
    "boot/config-6.1": (0o644, 0, b"CONFIG_A=y\n" + (b"CONFIG_B=m\n" if after else b"# CONFIG_B is not set\n"), None),
    "boot/extlinux/extlinux.conf": (0o644, 0, b"LABEL a\n append root=/dev/a quiet" + (b" debug" if after else b"") + b"\n", None),
    "usr/lib/systemd/system/one.service": (0o644, 0, b"[Unit]\n", None),
    "usr/lib/systemd/system/two.service": (0o644, 0, b"[Unit]\n", None),
    "usr/lib/systemd/system/three.service": (0o644, 0, b"[Unit]\n", None),
    "usr/lib/noise": (0o644, 0, random.randbytes(100000), None),
    "var/lib/dpkg/status": (0o644, 0, status.encode(), None),
}
for name, text in lists.items():
    files[f"var/lib/dpkg/info/{name}.list"] = (0o644, 0, text.encode(), None)
if after:
    for i in range(30):
        files[f"opt/dir/{i:02}"] = (0o644, 0, b"f", None)
links = {"etc/systemd/system/multi-user.target.wants/one.service": "/usr/lib/systemd/system/one.service"}
if after:
    links = {"etc/systemd/system/multi-user.target.wants/two.service": "/usr/lib/systemd/system/two.service",
             "etc/systemd/system/three.service": "/dev/null"}
with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as t:
    for path, (mode, uid, data, caps) in sorted(files.items()):
        i = tarfile.TarInfo(path)
        i.size, i.mode, i.uid, i.mtime = len(data), mode, uid, 86400
        if caps:
            i.pax_headers["SCHILY.xattr.security.capability"] = caps.decode("latin-1")
        t.addfile(i, io.BytesIO(data))
    for path, to in links.items():
        i = tarfile.TarInfo(path)
        i.type, i.linkname = tarfile.SYMTYPE, to
        t.addfile(i)
END
printf 'schema: 1\nname: demo\nversion: "1"\ntimes: 2025-01-01\ndefault: [card, bundle, root]\n' | recipe project
printf 'kind: image\nfilesystem: ext4\nsize: 16M\ncontents: [{unpack: "base:t.tar"}]\n' | recipe root
printf 'kind: run\ninputs: [root.tar]\nrun: cp root.tar t.tar\noutputs: [t.tar]\n' | recipe base
printf 'kind: image\nfilesystem: vfat\nsize: 8M\ncontents: [{copy: bootfs/, to: /}]\n' | recipe boot
cat <<'END' | recipe card
kind: disk
table: gpt
partitions:
  - {name: boot, type: esp, from: boot}
  - {name: root-a, type: linux-generic, from: root}
  - {name: root-b, type: linux-generic, from: root}
END
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' | recipe pki
printf 'kind: bundle\ncompatible: demo\nversion: "1"\nimages: {rootfs: root, bootloader: boot}\nsign: pki\n' | recipe bundle
mkdir bootfs && echo 'console=ttyS0 quiet' >bootfs/cmdline.txt
python3 "$scratch/root.py" root.tar
git init -q . && printf 'out/\npki/\n' >.gitignore && git add -A && git -c user.name=x -c user.email=x@test.invalid commit -qm one
check 'keys' "$orch" pki init
code 'built' 0 "$orch" build
mkdir "$scratch/r1" "$scratch/r2"
cp out/card/card.img "$scratch/r1/card-1.0.img" && cp out/bundle/bundle.raucb "$scratch/r1/b-1.0.raucb"
cp root.tar "$scratch/old.tar" && cp out/root/root.img "$scratch/old.img"
python3 "$scratch/root.py" root.tar after
echo 'console=ttyS1 quiet' >bootfs/cmdline.txt
sed -i 's/root-b, type: linux-generic, from: root/&, size: 20M/' recipes/card.yaml
code 'built again' 0 "$orch" build
cp out/card/card.img "$scratch/r2/card-1.1.img" && cp out/bundle/bundle.raucb "$scratch/r2/b-1.1.raucb"

# diffed NAME A B: as JSON, in $scratch/NAME.
diffed() { code "diff of $1" 0 "$orch" diff "$2" "$3" --json && cp "$scratch/out" "$scratch/$1"; }
# rows NAME SECTION: of the part that is a root file system
rows() {
	jq -r --arg s "$2" '[.things[0].parts[] | select(.packages != [])][0][$s][] |
		"\(if .alarm then "!" else "" end)\(.name) \(.change)"' "$scratch/$1" | sort | paste -sd ,
}
diffed tar "$scratch/old.tar" root.tar
diffed root ^1 root
diffed card "$scratch/r1/card-1.0.img" "$scratch/r2/card-1.1.img"
diffed bundle "$scratch/r1/b-1.0.raucb" ./out/bundle/bundle.raucb
diffed git git:HEAD:root root
for of in tar root card bundle git; do
	same "packages of $of" '!down downgraded,new added,old removed,up upgraded' "$(rows $of packages)"
	same "units of $of" 'one.service changed,three.service changed,two.service changed' "$(rows $of units)"
	same "accounts of $of" '!user root changed,!user toor added,group gpio changed,user app removed' "$(rows $of accounts)"
	same "kernel of $of" 'CONFIG_B added' "$(rows $of kernel)"
	same "arguments of $of" '/boot/extlinux/extlinux.conf: debug added' "$(rows $of boot)"
	same "rights of $of" '!/etc/mode mode,!/usr/bin/ping capabilities,!/usr/bin/tool mode' \
		"$(rows $of files | tr , '\n' | grep '^!' | paste -sd ,)"
	same "files of $of, of no package and of none that is dpkg's" \
		"$(printf '/etc/a|b\033[2J') size,/etc/bytes content,/etc/group size,/etc/owned owner,/etc/passwd size,/etc/shadow size" \
		"$(jq -r '[.things[0].parts[] | select(.packages != [])][0].files[] | select(.alarm == false and .package == null) |
			"\(.name) \(.change)"' "$scratch/$of" | grep '^/etc/[^sm]\|^/etc/shadow' | sort | paste -sd ,)"
done
of() { jq -r "[.things[0].parts[] | select(.packages != [])][0] | $2" "$scratch/$1"; }
same 'states of units' 'enabled disabled, disabled masked, disabled enabled' \
	"$(of tar '[.units[] | "\(.before) \(.after)"] | join(", ")')"
same 'what grew' 'true' "$(of tar '.sizes.directories | any(.name == "/usr/lib" and .grew == 50000)')"
same 'no time differs, no directory of either' 0 "$(of tar '[.files[] | select(.name == "/usr" or .name == "/etc")] | length')"

same 'partitions' 'root-b grown,(disk) grown' "$(jq -r '[.things[0].parts[0].partitions[] | "\(.name) \(.change)"] | join(",")' "$scratch/card")"
same 'both slots' 'root-a root-b' "$(jq -r '[.things[0].parts[] | select(.packages != []).name] | join(" ")' "$scratch/card")"
same 'arguments of a boot partition' '/cmdline.txt: console ttyS0 ttyS1' \
	"$(jq -r '.things[0].parts[] | select(.name == "boot").boot[] | "\(.name) \(.before) \(.after)"' "$scratch/card")"
same 'images of bundles' 'bootloader.vfat manifest.raucm rootfs.ext4' \
	"$(jq -r '[.things[0].parts[].name | select(. != "hook")] | join(" ")' "$scratch/bundle")"

# What an update costs, counted by somebody else.
cp out/root/root.img "$scratch/new.img"
check 'a directory of files' "$orch" image cp "$scratch/old.img:/" "$scratch/old.d"
cat >"$scratch/count.py" <<'END'
import hashlib, sys
a, b = (open(f, "rb").read() for f in sys.argv[1:])
n = 4096
blocks = lambda d: [d[i:i + n] for i in range(0, len(d), n)]
a, b = blocks(a), blocks(b)
changed = [i for i in range(len(b)) if i >= len(a) or a[i] != b[i]]
had = set(a)
fetched = {b[i] for i in changed if b[i] not in had and any(b[i])}
print(len(b), len(changed), len(fetched) * n + len(b) * 32, len(changed) * n)
END
diffed images "$scratch/old.img" "$scratch/new.img"
same 'blocks' "$(python3 "$scratch/count.py" "$scratch/old.img" "$scratch/new.img")" \
	"$(jq -r '.things[0].parts[0].update | "\(.blocks) \(.changed) \(.fetch) \(.write)"' "$scratch/images")"
same 'a full update fetches the bundle' "$(stat -c %s out/bundle/bundle.raucb)" \
	"$(jq -r '.things[0].parts[] | select(.name == "rootfs.ext4").update.full_fetch' "$scratch/bundle")"

# For people.
code 'text' 0 "$orch" diff "$scratch/old.tar" root.tar
cp "$scratch/out" "$scratch/text"
lacks 'no escape byte of a name' "$(printf '\033')" "$scratch/text"
check 'rights stand first' grep -q '^! /usr/bin/tool: mode: 0755 0:0 4 -> 4755 0:0 4$' "$scratch/text"
check 'capabilities have names' grep -q '^! /usr/bin/ping: capabilities: 0755 0:0 4 -> 0755 0:0 4, cap_net_raw=ep$' "$scratch/text"
check 'what follows is counted' grep -q 'that follow' "$scratch/text"
lacks 'and not listed' '/opt/dir/07' "$scratch/text"
code 'in colour' 0 "$orch" diff "$scratch/old.tar" root.tar --color always
check 'red' grep -q "^$(printf '\033')\[.*! /usr/bin/tool" "$scratch/out"
code 'Markdown' 0 "$orch" diff ^1 root --markdown
check 'a table' grep -q '^| \*\*!\*\* | downgraded | down | 2.0 | 2.0&#126;rc1 |$' "$scratch/out"
check 'names break none' grep -q '&#124;' "$scratch/out"

# Directories, runs, revisions.
diffed releases "$scratch/r1" "$scratch/r2"
same 'files that have versions in their names' '*.raucb/bootloader.vfat *.raucb/rootfs.ext4 *.img *.img/boot *.img/root-a *.img/root-b' \
	"$(jq -r '[.things[0].parts[] | select(.differs).name | select(. != "*.raucb/manifest.raucm")] | join(" ")' "$scratch/releases")"
code 'runs' 0 "$orch" diff run:^1 ^0 --json
same 'nodes, and what ships' 'base boot bundle card root; bundle' \
	"$(jq -r '([.nodes[].node] | sort | join(" ")) + "; " + ([.things[].name] | join(" "))' "$scratch/out")"
git add -A && git -c user.name=x -c user.email=x@test.invalid commit -qm two
code 'revisions' 3 "$orch" diff git:HEAD~1 git:HEAD --exit-code --json
same 'the same nodes' 'base boot bundle card root' "$(jq -r '[.nodes[].node] | sort | join(" ")' "$scratch/out")"
code 'of the same, nothing' 0 "$orch" diff root "$scratch/new.img" --exit-code
check 'is said' grep -q 'no difference' "$scratch/out"
code 'another root' 3 "$orch" diff "$scratch/old.img" "$scratch/new.img" --exit-code

code 'a directory beside a tree' 3 "$orch" diff "$scratch/old.d" root.tar --exit-code --json
same 'its packages' '!down downgraded,new added,old removed,up upgraded' "$(cp "$scratch/out" "$scratch/dir"; rows dir packages)"

# What cannot be.
code 'a file and a run' 2 "$orch" diff "$scratch/old.img" ^0
code 'nothing of the name' 2 "$orch" diff root nothing
head -c 200000 "$scratch/new.img" >"$scratch/cut.img"
code 'an image that was cut is compared as bytes' 3 "$orch" diff "$scratch/old.img" "$scratch/cut.img" --exit-code
check 'with the reason' grep -q 'compared as bytes: after' "$scratch/out"
finish
