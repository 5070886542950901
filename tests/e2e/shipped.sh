#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Does tests/shipped notice? Its comparison on small trees: equal ones pass, and each way in which what ships
# could differ from what was installed, or booted, is refused by name.
. tests/e2e/lib.sh
compare=$PWD/tests/shipped/compare.sh
status() { # VERSION
	printf 'Package: libc6\nStatus: install ok installed\nVersion: 1\n\n'
	printf 'Package: edge-app\nStatus: install ok installed\nVersion: %s\n\n' "$1"
}
# trees: guest/ and root/ as they should be, in an empty directory
trees() {
	rm -rf "$scratch/t"
	mkdir -p "$scratch/t/work"
	cd "$scratch/t" || exit 1
	for d in guest root; do
		mkdir -p $d/usr/bin $d/var/lib/dpkg/info
		echo program >$d/usr/bin/edge-app
		ln -s edge-app $d/usr/bin/app
		printf '/.\n/usr\n/usr/bin\n/usr/bin/edge-app\n/usr/bin/app\n' >$d/var/lib/dpkg/info/edge-app.list
		status 1.0 >$d/var/lib/dpkg/status
	done
	mkdir -p root/boot root/etc root/usr/lib/uboot-raspberrypi400 root/usr/lib/raspi-firmware
	echo host >root/etc/hostname
	for f in slot.itb u-boot.bin start4.elf; do echo "$f" >$f; done
	cp slot.itb root/boot/
	cp u-boot.bin root/usr/lib/uboot-raspberrypi400/
	cp start4.elf root/usr/lib/raspi-firmware/
	printf '%s\n' /software/installed/changed /usr/bin/edge-app /usr/bin/app /var/lib/dpkg/status /var/log/dpkg.log >guest/changed
}
pack() { # DIRECTORY [OPTION...]
	pack_dir=$1
	shift
	(cd "$pack_dir" && find . -mindepth 1 | sed 's,^\./,,' | sort |
		tar --no-recursion --numeric-owner --mtime=@1704067200 --owner=0 --group=0 "$@" -cf "../$pack_dir.tar" -T -)
}
compared() { (cd work && sh "$compare" ../guest.tar ../root.tar ../slot.itb ../u-boot.bin ../start4.elf); }
# refused NAME TEXT: the trees as they are now
refused() {
	[ -e guest.tar ] || pack guest
	[ -e root.tar ] || pack root
	code "$1" 1 compared
	check "$1: says so" grep -q "$2" "$scratch/err" "$scratch/out"
}

trees
pack guest
pack root
code "equal trees pass" 0 compared
check "and what was compared is listed" grep -q ' usr/bin/edge-app$' work/shipped.txt
check "with what was booted" grep -qx 'booted boot/slot.itb' work/shipped.txt

trees
echo programs >root/usr/bin/edge-app
refused "another size" 'usr/bin/edge-app'
trees
echo PROGRAM >root/usr/bin/edge-app
refused "other bytes" 'the files named above differ'
trees
chmod 755 root/usr/bin/edge-app
refused "another mode" 'usr/bin/edge-app'
trees
pack root --owner=7
refused "another owner" 'usr/bin/edge-app'
trees
pack root --mtime=@1704067201
refused "another time" 'usr/bin/edge-app'
trees
ln -sf other root/usr/bin/app
refused "another link" 'usr/bin/app'
trees
chmod 700 root/usr/bin
refused "another mode of a directory" 'usr/bin'
trees
rm root/usr/bin/edge-app
refused "a file less" 'usr/bin/edge-app'
trees
status 1.1 >root/var/lib/dpkg/status
refused "another version" "something else of package 'edge-app'"
trees
sed -i '/edge-app/,$s/ok installed/ok unpacked/' guest/var/lib/dpkg/status
refused "not installed" "package 'edge-app' was not"
trees
echo /etc/passwd >>guest/changed
refused "a change beside the packages' files" 'more than .*etc/passwd'
trees
rm guest/var/lib/dpkg/info/edge-app.list guest/usr/bin/*
refused "nothing installed" "nothing was"
trees
echo other >root/boot/slot.itb
refused "another FIT image" "boot/slot.itb' is not what was booted"
trees
echo other >root/usr/lib/uboot-raspberrypi400/u-boot.bin
refused "another U-Boot" "u-boot.bin' is not what was booted"
trees
echo other >root/usr/lib/raspi-firmware/start4.elf
refused "another firmware" "start4.elf' is not what was booted"
trees
rm root/boot/slot.itb
refused "no FIT image" "boot/slot.itb' is not there"
cd / || exit 1
finish
