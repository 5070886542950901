#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind tree: files, groups, users with keys, local packages, steps, units, the stamp, removals and modes;
# what is refused; the same bytes in another store.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc/systemd/system" "$p/files/etc/app" "$p/files/var/log" "$p/keys" "$p/debs"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1.2 b"
default: [product]
archives:
  debian: {suites: [trixie], components: [main]}
END
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
printf 'kind: debian\npackages: [passwd]\n' | recipe base
cat >"$p/files/etc/systemd/system/app.service" <<'END'
[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
END
echo secret >"$p/files/etc/app/conf"
echo shipped >"$p/files/var/log/shipped"
printf '# ours\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1sEXzqzJpnqNPAPdPBhhLGPAFqnS7dCTLK5cAvIcKC app@desk\n' >"$p/keys/app.pub"

# deb NAME VERSION ARCH CONTROL-LINES: a package from $scratch/NAME, with the scripts in its DEBIAN.
deb() {
	deb_dir=$scratch/$1
	mkdir -p "$deb_dir/DEBIAN"
	printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@test.invalid>\nDescription: x\n%s' \
		"$1" "$2" "$3" "$4" >"$deb_dir/DEBIAN/control"
	dpkg-deb --root-owner-group -Zxz -b "$deb_dir" "$p/debs/$1.deb" >/dev/null
}
mkdir -p "$scratch/app/DEBIAN" "$scratch/app/etc" "$scratch/helper/usr/share/helper"
printf '#!/bin/sh\nset -e\n[ -e /usr/share/helper/x ]\nmkdir -p /var/lib/app\nchown app:app /var/lib/app\nsu -s /bin/sh -c "echo made >/var/lib/app/by-app" app\n' \
	>"$scratch/app/DEBIAN/postinst"
chmod 755 "$scratch/app/DEBIAN/postinst"
echo conf >"$scratch/app/etc/app.conf"
echo /etc/app.conf >"$scratch/app/DEBIAN/conffiles"
echo x >"$scratch/helper/usr/share/helper/x"
deb app 1.0 all 'Depends: helper (>= 1), passwd
'
deb helper 1 all ''
printf 'kind: run\nrun: echo 1.2-3 >name\noutputs: [name]\n' | recipe mode
cat <<'END' | recipe product
kind: tree
from: base
contents:
  - {copy: files, to: /}
groups: [{name: gpio, gid: 995}]
users:
  - {name: app, uid: 990, home: /home/app, shell: /bin/bash, groups: [dialout, gpio], keys: keys/app.pub}
  - {name: root, uid: 0, keys: keys/app.pub}
debs: [debs]
env: {MODE: "release ${mode:name}"}
run:
  - |
    id -u >/root/id; env | sort >/root/env
    chown games:42 /etc/app/conf; mknod /dev-x c 1 3; setcap 2>/dev/null || :
    unshare -m true 2>/dev/null || echo refused >/root/mounts
    : >/root/when; touch -d 2001-02-03 /root/old; echo noise >>/var/log/noise; echo more >>/var/log/shipped
    useradd -u 1234 -M late; chage -d 0 late; touch /tmp/left; sleep 7777 &
  - [sh, -c, '[ ! -e /tmp/left ] && echo "$0 second" >/root/second', it is]
units: {enable: [app.service]}
stamp: /etc/os-release
remove: [/usr/share/doc/**]
modes: {/etc/app: "0750"}
END
sed -i "s/sleep 7777/&.$$/" "$p/recipes/product.yaml"
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err"; }
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
tree=$p/out/product/root.tar
# line PATH: mode, owner and name as in the tree. text PATH: what a file holds.
line() { tar --numeric-owner -tvf "$tree" "$1" | awk '{print $1, $2}'; }
text() { tar -xOf "$tree" "$1"; }
# entry FILE NAME: the line of an account.
entry() { text "$1" | grep "^$2:"; }

check "lock" o lock base
check "build" o build product
same "no process is left" "" "$(processes "sleep 7777.$$")"
echo "# accounts"
same "user" "app:x:990:990::/home/app:/bin/bash" "$(entry etc/passwd app)"
same "group of the user" "app:x:990:" "$(entry etc/group app)"
same "group" "gpio:x:995:app" "$(entry etc/group gpio)"
same "member of a group of the tree" "dialout:x:20:app" "$(entry etc/group dialout)"
same "shadow: no password, a day that does not move" "app:*:19723:0:99999:7:::" "$(entry etc/shadow app)"
same "home" "drwx------ 990/990" "$(tar --numeric-owner --no-recursion -tvf "$tree" home/app/ | awk '{print $1, $2}')"
same "keys" "-rw------- 990/990" "$(line home/app/.ssh/authorized_keys)"
same "keys of a user that was there" "-rw------- 0/0" "$(line root/.ssh/authorized_keys)"
same "what the keys are" "$(cat "$p/keys/app.pub")" "$(text home/app/.ssh/authorized_keys)"
same "a password that must be changed" "late:!:0:" "$(entry etc/shadow late | cut -d: -f1-3):"
echo "# packages"
same "made as another user" "-rw-rw-r-- 990/990" "$(line var/lib/app/by-app)"
same "configured" "Status: install ok installed " "$(text var/lib/dpkg/status | grep ^Status: | sort -u | tr '\n' ' ')"
check "conffiles are known" sh -c 'tar -xOf "$1" var/lib/dpkg/status | grep -q "^ /etc/app.conf [0-9a-f]*$"' sh "$tree"
echo "# steps"
same "root" 0 "$(text root/id)"
same "second step" "it is second" "$(text root/second)"
same "environment" "MODE=release 1.2-3 SOURCE_DATE_EPOCH=1704067200" "$(text root/env | grep -E '^(MODE|SOURCE)' | tr '\n' ' ' | sed 's/ $//')"
same "owner that a step gave" "-rw-r--r-- 5/42" "$(line etc/app/conf)"
same "device that a step made" "crw-r--r-- 0/0" "$(line dev-x)"
same "no mounts of its own" refused "$(text root/mounts)"
printf 'kind: tree\nfrom: base\nnested: true\nrun: ["unshare -m -p -f sh -c '"'"'echo $$ >/root/pid'"'"'"]\n' | recipe nested
check "nested steps" o build nested
same "may" 1 "$(tar -xOf "$p/out/nested/root.tar" root/pid)"
same "times" "2024-01-01 2001-02-03" "$(tar --utc -tvf "$tree" root/when root/old | awk '{print $4}' | sort -r | tr '\n' ' ' | sed 's/ $//')"
tar -tf "$tree" >"$scratch/names"
lacks "what programs leave" '^(\./)?(var/log/noise|var/log/dpkg.log|etc/passwd-|usr/share/doc/.|run/orch|tmp/.|usr/sbin/policy-rc.d)' "$scratch/names"
same "content that was meant stays as it was" shipped "$(text var/log/shipped)"
echo "# units, stamp, modes"
check "unit" grep -qx etc/systemd/system/multi-user.target.wants/app.service "$scratch/names"
same "stamp" 'IMAGE_ID=demo IMAGE_VERSION="1.2 b" ' "$(text usr/lib/os-release | grep ^IMAGE_ | tr '\n' ' ')"
same "stamp: the link is still one" l "$(line etc/os-release | cut -c1)"
same "mode" "drwxr-x--- 0/0" "$(tar --numeric-owner --no-recursion -tvf "$tree" etc/app/ | awk '{print $1, $2}')"

echo "# keys"
first=$(sha256sum <"$tree")
same "nothing to do" "" "$(built "$p" product)"
sed -i 's/1.2 b/1.3/' "$p/recipes/project.yaml"
same "the version is stamped anew" "product" "$(built "$p" product)"
sed -i 's/"1.3"/"1.2 b"/' "$p/recipes/project.yaml"
code "another store" 0 "$orch" -C "$p" --store "$scratch/store2" build product
same "the same bytes" "$first" "$(sha256sum <"$tree")"

echo "# what is refused"
# refused NAME PATTERN, recipe after 'from: base' on stdin
refused() {
	{ printf 'kind: tree\nfrom: base\n'; cat; } | recipe bad
	refused_code=0
	o build bad || refused_code=$?
	check "$1" grep -q -- "$2" "$scratch/err"
	[ $refused_code = 1 ] || [ $refused_code = 2 ] || not_ok "$1: exit $refused_code"
}
refused "a number of another user" "bad.yaml:3: .*uid 5 is user 'games' in the tree" <<'END'
users: [{name: app, uid: 5, gid: 60}]
END
refused "a name with another number" "bad.yaml:4: .*a user 'games' with uid '5', not '6000'" <<'END'
users:
  - {name: games, uid: 6000}
END
refused "a number of another group" "gid 60 is group 'games' in the tree" <<'END'
groups: [{name: app, gid: 60}]
END
refused "an unknown group" "bad.yaml:3: .*no group 'dialuot': did you mean 'dialout'" <<'END'
users: [{name: app, uid: 990, groups: [dialuot]}]
END
refused "a shell that is not there" "bad.yaml:3: .*no '/bin/zsh', the shell of user 'app'" <<'END'
users: [{name: app, uid: 990, shell: /bin/zsh}]
END
echo 'no key' >"$p/keys/bad.pub"
refused "keys that are none" "keys/bad.pub:1: is not a public key" <<'END'
users: [{name: app, uid: 990, home: /home/app, keys: keys/bad.pub}]
END
refused "keys without a home" "give it a 'home'" <<'END'
users: [{name: app, uid: 990, keys: keys/app.pub}]
END
refused "a failing step" "recipes/bad.yaml:6: step 2 of 2 failed: .*3" <<'END'
users: [{name: app, uid: 990}]
run:
  - ": >/root/made"
  - exit 3
END
printf 'id -un; chown app /root/made; stat -c %%U /root/made; echo shell >>/root/made\n' |
	"$orch" -C "$p" shell bad >"$scratch/out" 2>"$scratch/err"
same "a shell where it failed" "root app " "$(tr '\n' ' ' <"$scratch/out")"
check "a shell says where it is" grep -q "where step 2 of 2 failed: sh -e /run/orch/step-2" "$scratch/err"
printf 'cat /run/orch/step-1; dpkg -s app | grep ^Status\n' | "$orch" -C "$p" shell product >"$scratch/out" 2>"$scratch/err"
check "a shell before the steps, with the packages" grep -q 'install ok installed' "$scratch/out"
refused "a dependency that is missing" "package 'app' 1.0 depends on 'helper (>= 1)'" <<'END'
debs: [debs/app.deb]
END
mkdir -p "$scratch/foreign"
deb foreign 1 s390x ''
refused "another architecture" "package 'foreign' is for architecture 's390x'" <<'END'
debs: [debs/foreign.deb]
END
mkdir -p "$scratch/fails/DEBIAN"
printf '#!/bin/sh\nexit 7\n' >"$scratch/fails/DEBIAN/postinst"
chmod 755 "$scratch/fails/DEBIAN/postinst"
deb fails 1 all ''
refused "a script that fails" "package 'fails': its postinst script .*7" <<'END'
debs: [debs/fails.deb]
END
printf '#!/bin/sh\nrm /run/orch/status\nmkfifo /run/orch/status\nexit 7\n' >"$scratch/fails/DEBIAN/postinst"
deb fails 1 all ''
refused "one that puts a pipe where dpkg's words are read" "dpkg failed" <<'END'
debs: [debs/fails.deb]
END

echo "# a tree of another architecture"
arch=arm64
[ "$(dpkg --print-architecture)" != arm64 ] || arch=amd64
printf 'kind: debian\narch: %s\npackages: [passwd]\n' $arch | recipe foreign
printf 'kind: debian\npackages: [qemu-user]\n' | recipe emulator
printf 'kind: tree\nfrom: foreign\nemulator: emulator\ndebs: [debs/helper.deb]\nrun: ["cat /usr/share/helper/x; exit 3"]\n' | recipe bad
check "lock" o lock foreign
check "lock the emulator" o lock emulator
o build bad
says "its dpkg installs, its shell runs the steps" "recipes/bad.yaml:5: step 1 of 1 failed: .*3"
same "its dpkg need not decompress" "debian-binary control.tar.xz data.tar " \
	"$(ar t "$(find "$ORCH_STORE/failed" -name helper_all.deb)" | tr '\n' ' ')"

refused "no file to stamp" "no file '/etc/nothing'" <<'END'
stamp: /etc/nothing
END
printf 'kind: tree\narch: amd64\ncontents: [{copy: files, to: /}]\ndebs: [debs/app.deb]\n' | recipe bad
o build bad
says "no dpkg" "the tree has no package 'dpkg'"
printf 'kind: tree\narch: amd64\ncontents: [{copy: files, to: /}]\nusers: [{name: app, uid: 990}]\n' | recipe nothing
check "from nothing" o build nothing
tree=$p/out/nothing/root.tar
same "from nothing: nothing is cleaned" shipped "$(text var/log/shipped)"
same "from nothing: the password" "app:*:990:990::/nonexistent:/usr/sbin/nologin" "$(text etc/passwd)"
finish
