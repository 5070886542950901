#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Packages made for what dpkg does with them: the order of scripts and files, owners, names, links,
# diversions, triggers, conffiles; and what is said when a script fails. Each of the expected values
# is what dpkg leaves in a chroot of the same tree.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg"
archive=$scratch/archive
p=$scratch/p
mkdir -p "$p/recipes" "$p/keys" "$archive/pool" "$XDG_CONFIG_HOME/orch"
# shellcheck disable=SC2317 # called by check
o() {
	"$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" && return
	o_code=$?
	cat "$scratch/err"
	return "$o_code"
}
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin

# new NAME: an empty package in $d. script NAME [MODE]: one of its scripts, text on stdin.
new() {
	d=$scratch/deb/$1
	rm -rf "$d"
	mkdir -p "$d/DEBIAN"
}
script() {
	{ printf '#!/bin/sh\nset -e\n'; cat; } >"$d/DEBIAN/$1"
	chmod 755 "$d/DEBIAN/$1"
}
# file PATH TEXT: a file of the package.
file() {
	mkdir -p "$d/$(dirname "$1")"
	echo "$2" >"$d/$1"
}
# deb [FIELD...]: builds the package of the last 'new' into the archive.
deb() {
	name=$(basename "$d")
	{
		printf 'Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: N <n@example.org>\n' "$name"
		[ $# = 0 ] || printf '%s\n' "$@"
		echo 'Description: test'
	} >"$d/DEBIAN/control"
	deb=$archive/pool/${name}_1.0_all.deb
	dpkg-deb --root-owner-group -b "$d" "$deb" >/dev/null
}
# repack MEMBER ARGUMENT...: the last package with its member 'control' or 'data' made by tar ARGUMENT...
repack() {
	what=$1
	shift
	rm -rf "$scratch/ar"
	mkdir "$scratch/ar"
	(
		cd "$scratch/ar" && ar x "$deb" && rm "$what".tar.* "$deb" &&
			tar --sort=name -P -cf "$what.tar" "$@" &&
			ar rc "$deb" debian-binary control.tar* data.tar*
	)
}

key own@example.org >/dev/null 2>&1
gpg --export own@example.org >"$p/keys/own.gpg"
printf 'mirrors: {own: "file://%s"}\n' "$archive" >"$XDG_CONFIG_HOME/orch/config.yaml"
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [top]
archives:
  debian: {suites: [trixie], components: [main]}
  own: {suites: [own], components: [main], keyring: keys/own.gpg}
END

echo "# packages"
# preinst clears what an earlier version has left; preinst makes a link that the files follow
new clears && file opt/app/lib/app.so new && echo 'rm -rf /opt/app' | script preinst && deb
new follows && file var/lib/store/file data &&
	echo 'mkdir -p /data/store; [ -e /var/lib/store ] || ln -s /data/store /var/lib/store' | script preinst && deb
# owners in the archive by name, and by names that nobody has
new owned && file var/lib/owned/file x && deb && repack data -C "$d" --owner=games:12345 --group=mail:12 ./var/lib/owned
new unknown && file var/lib/unknown/file x && deb && repack data -C "$d" --owner=nosuchuser:4321 --group=nosuchgroup:1234 ./var/lib/unknown
# a link where another package has a directory
new directory && file usr/share/doc/tool/README text && deb
new link && file usr/share/link/file x && mkdir -p "$d/usr/share/doc" && ln -s other "$d/usr/share/doc/tool" && deb 'Depends: directory'
# two packages share a link, and a directory is reached through it
new shares && mkdir -p "$d/opt/real" && ln -s real "$d/opt/shared" && file opt/real/a a && deb
new shares-too && mkdir -p "$d/opt/real" && ln -s real "$d/opt/shared" && file opt/real/b b && deb
new through && file opt/shared/c c && deb 'Depends: shares'
# names with and without "./", and absolute ones
new plain-names && file opt/plain/file x && deb && repack data -C "$d" --owner=0 --group=0 opt
new slash-names && file opt/slash/file x && deb && repack data -C "$d" --owner=0 --group=0 --transform='s,^,/,' opt
# scripts that their package does not mark as programs
new mode644 && echo 'touch /var/lib/preinst-ran' | script preinst && echo 'touch /var/lib/postinst-ran' | script postinst &&
	deb && chmod 644 "$d"/DEBIAN/p*inst && repack control -C "$d/DEBIAN" --owner=0 --group=0 .
# a diversion by preinst, and what it diverts, which comes first or later
for n in 1 2; do new "a$n-tool" && file "usr/bin/tool$n" original && deb; done
for n in 1 2; do
	new "config$n" && file "usr/bin/tool$n" mine && script preinst <<END
dpkg-divert --package config$n --add --rename --divert /usr/bin/tool$n.distrib /usr/bin/tool$n
END
	deb
done
# a file that moves from one package to another, whichever comes first
new x-has && file usr/share/moved/f x-has && deb 'Replaces: y-had'
new y-had && file usr/share/moved/f y-had && deb
# preinst needs a program of a package that must be configured by then
new helper && file usr/bin/helper '#!/bin/sh
cat /var/lib/helper-is-configured' && chmod 755 "$d/usr/bin/helper" && echo 'echo yes >/var/lib/helper-is-configured' | script postinst &&
	deb 'Depends: library'
new library && deb 'Depends: helper'
new needs-helper && echo 'helper >/var/lib/helper-said' | script preinst && deb 'Pre-Depends: helper-of-some-kind | helper'
# a trigger, pulled by another package's file, and a state override
new watches && printf 'interest /usr/share/watched\n' >"$d/DEBIAN/triggers" && script postinst <<'END'
[ "$1" != triggered ] || ls /usr/share/watched >/var/lib/triggered
dpkg-statoverride --force-statoverride-add --add games mail 2750 /usr/share/overridden
END
sed -i 's/^dpkg-statoverride/[ "$1" = triggered ] || &/' "$d/DEBIAN/postinst"
deb
new watched && file usr/share/watched/thing x && deb 'Pre-Depends: watches'
new overridden && file usr/share/overridden x && deb 'Pre-Depends: watches'
# what every new system has in /etc, and who adds to it
new says-force && echo 'echo "$DPKG_FORCE" | grep -o "conf[a-z]*" >>/var/lib/dpkg-force || :' | script postinst && deb
new reads-fstab && echo 'cp /etc/fstab /var/lib/read-fstab' | script postinst && deb
new says-force-top && echo 'echo "$DPKG_FORCE" | grep -o "conf[a-z]*" >>/var/lib/dpkg-force-top || :' | script postinst && deb
new writes-fstab && echo 'echo "/dev/x /x ext4 defaults 0 0" >>/etc/fstab' | script postinst && deb
# configuration, of which an overlay has a part
new conf && file etc/conf/kept packaged && file etc/conf/own packaged && file usr/share/conf/over packaged &&
	mkdir -p "$d/etc/conf/secret" && chmod 700 "$d/etc/conf/secret" && printf '/etc/conf/kept\n/etc/conf/own\n' >"$d/DEBIAN/conffiles" &&
	echo 'cp /etc/conf/own /var/lib/conf-preinst' | script preinst &&
	echo 'cat /etc/conf/own /usr/share/conf/over >/var/lib/conf-postinst' | script postinst && deb
mkdir -p "$p/overlay/etc/conf/secret" "$p/overlay/usr/share/conf"
echo overlay | tee "$p/overlay/etc/conf/own" "$p/overlay/usr/share/conf/over" >"$p/overlay/etc/conf/secret/key"
check "an archive" publish own@example.org

echo "# a tree"
printf 'kind: debian\npackages: [netbase, a1-tool, config2, reads-fstab, says-force]\n' | recipe base
recipe top <<'END'
kind: debian
from: base
overlay: overlay
packages: [clears, follows, owned, unknown, link, shares, shares-too, through, plain-names, slash-names, mode644,
  config1, a2-tool, x-has, y-had, needs-helper, watched, overridden, conf, writes-fstab,
  says-force-top]
END
check "locks" o lock
code "builds" 0 "$ORCH" -C "$p" build base top
tree=$scratch/tree
mkdir "$tree"
tar -xf "$p/out/top/root.tar" -C "$tree" --exclude='./dev/*' 2>"$scratch/tar" || cat "$scratch/tar"
list=$scratch/list
tar --numeric-owner -tvf "$p/out/top/root.tar" >"$list"
text() { same "$1" "$2" "$(tr '\n' ' ' <"$tree/$3" 2>&1)"; }
owner() { same "$1" "$2" "$(awk -v f="$3" '$6 == f || $6 == f "/" {print $1, $2}' "$list")"; }
for n in base top; do
	mkdir -p "$scratch/db-$n"
	tar -xf "$p/out/$n/root.tar" -C "$scratch/db-$n" var/lib/dpkg
	same "$n: dpkg --audit is silent" "0" "$(dpkg --admindir="$scratch/db-$n/var/lib/dpkg" --audit 2>&1 | wc -l)"
	check "$n: of many packages" test "$(grep -c '^Status: install ok installed' "$scratch/db-$n/var/lib/dpkg/status")" -gt 30
	check "$n: no trigger waits" test -e "$scratch/db-$n/var/lib/dpkg/triggers/Unincorp" -a ! -s "$scratch/db-$n/var/lib/dpkg/triggers/Unincorp"
done
text "preinst clears before the files come" "new " opt/app/lib/app.so
text "a link that preinst makes is followed" "data " data/store/file
owner "an owner by name" "-rw-r--r-- 5/8" var/lib/owned/file
owner "an owner that nobody knows" "-rw-r--r-- 4321/1234" var/lib/unknown/file
text "a directory stays where a link comes" "text " usr/share/doc/tool/README
same "a link that two packages share" "real" "$(readlink "$tree/opt/shared")"
text "a file of the first" "a " opt/real/a
text "a file of the second" "b " opt/real/b
text "a file through the link" "c " opt/real/c
text "a name without ./" "x " opt/plain/file
text "an absolute name" "x " opt/slash/file
check "scripts of mode 0644 ran" test -e "$tree/var/lib/preinst-ran" -a -e "$tree/var/lib/postinst-ran"
for n in 1 2; do
	text "diversion $n: the diverting file" "mine " "usr/bin/tool$n"
	text "diversion $n: the diverted file" "original " "usr/bin/tool$n.distrib"
done
text "a replaced file" "x-has " usr/share/moved/f
same "a replaced file has one owner" "x-has" "$(cd "$tree/var/lib/dpkg/info" && grep -lx /usr/share/moved/f ./*.list | sed 's,./\(.*\).list,\1,')"
text "preinst uses what it pre-depends on" "yes " var/lib/helper-said
text "a trigger ran" "thing " var/lib/triggered
owner "a state override" "-rwxr-s--- 5/8" usr/share/overridden
text "/etc/fstab is there" "# UNCONFIGURED FSTAB FOR BASE SYSTEM " var/lib/read-fstab
tar -tf "$p/out/base/root.tar" >"$scratch/base-names"
lacks "and goes again" '^(\./)?(etc/fstab|usr/sbin/policy-rc.d)$' "$scratch/base-names"
same "scripts are not told to keep what nobody wrote" "" "$(tar -xOf "$p/out/base/root.tar" var/lib/dpkg-force)"
text "unless somebody wrote to it" "# UNCONFIGURED FSTAB FOR BASE SYSTEM /dev/x /x ext4 defaults 0 0 " etc/fstab
text "overlay: preinst reads it" "overlay " var/lib/conf-preinst
text "overlay: postinst reads it" "overlay overlay " var/lib/conf-postinst
text "overlay: scripts are told to keep what is there" "confold " var/lib/dpkg-force-top
text "overlay: its conffile stays" "overlay " etc/conf/own
text "overlay: other conffiles are the package's" "packaged " etc/conf/kept
owner "overlay: a directory is as packaged" "drwx------ 0/0" etc/conf/secret
check "overlay: its file is there" grep -q etc/conf/secret/key "$list"

echo "# failures"
new fails-first && script preinst <<'END' && deb
echo "preinst has its reasons"
exit 3
END
new fails-later && echo 'echo "postinst has its reasons"; exit 4' | script postinst && deb
new needs-it && echo 'echo not me' | script postinst && deb 'Depends: fails-later'
new clash && file usr/bin/tool1 x && deb
check "a longer archive" publish own@example.org
fails() { # NAME PACKAGE MESSAGE LAST-WORDS
	printf 'kind: debian\nfrom: base\npackages: [%s]\n' "$2" | recipe bad
	check "$1: lock" o lock bad
	code "$1: exit 1" 1 "$ORCH" -C "$p" build bad
	says "$1: message" "$3"
	[ -z "$4" ] || says "$1: the script's last words" "$4"
}
fails "preinst fails" fails-first "package 'fails-first': its preinst script returned error exit status 3" "preinst has its reasons"
fails "postinst fails" needs-it "package 'fails-later': its postinst script returned error exit status 4" "postinst has its reasons"
# a line of the lock is made to say another package of that name and version, which conflicts
new plain && deb
check "a package that will be another" publish own@example.org
printf 'kind: debian\nfrom: base\npackages: [plain]\n' | recipe bad
check "a lock of it" o lock bad
was=$(sha256sum <"$deb" | cut -d' ' -f1) size=$(stat -c %s "$deb")
deb 'Conflicts: a1-tool'
sed -i "s/ $size $was / $(stat -c %s "$deb") $(sha256sum <"$deb" | cut -d' ' -f1) /" "$p/recipes/bad.lock"
sealed "$p/recipes/bad.lock"
code "packages that conflict: exit 1" 1 "$ORCH" -C "$p" build bad
says "packages that conflict: message" "package 'plain': conflicting packages - not installing plain"
says "packages that conflict: with which" "plain conflicts with a1-tool"
fails "one file of two packages" clash "package 'clash': trying to overwrite '/usr/bin/tool1', which is also in package a1-tool (1.0)" ""
finish
