#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch diff of files that no recipe made: bytes between partitions, what is in directories, rights that
# appeared, names that would write to a terminal; and sizes that only a file without data has.
. tests/e2e/lib.sh
orch=$ORCH_ASAN
export ORCH_STORE="$scratch/store"
cd "$scratch" || exit 1
# differs NAME A B: says so, by its exit status too; JSON in out.
differs() { code "$1" 3 "$orch" diff "$2" "$3" --exit-code --json; }

# A disk is more than its partitions: a boot loader lies before them.
truncate -s 16M one.img
printf 'label: gpt\nstart=2048,size=8192,name=root-a\nstart=12288,size=8192,name=root-b\n' | sfdisk -q one.img
cp one.img two.img
printf 'another loader' | dd of=two.img bs=512 seek=100 conv=notrunc status=none
printf 'x' | dd of=two.img bs=512 seek=11000 conv=notrunc status=none
differs 'bytes outside of partitions' ./one.img ./two.img
same 'are told with their place' 'before root-a: 4.0 KiB differ, at 48.0 KiB;before root-b: 4.0 KiB differ, at 5.4 MiB' \
	"$(jq -r '[.things[0].parts[0].partitions[] | "\(.name): \(.after)"] | join(";")' out)"
code 'the same disk' 0 "$orch" diff ./one.img ./one.img --exit-code
sfdisk -q --disk-id two.img 11111111-2222-3333-4444-555555555555
cp one.img three.img && sfdisk -q --disk-id three.img 11111111-2222-3333-4444-555555555555
differs 'the identity of a disk' ./one.img ./three.img
cp one.img four.img && printf 'size=4096\n' | sfdisk -q -N 2 four.img
differs 'a table that differs' ./one.img ./four.img
same 'is not told twice' 'root-b' "$(jq -r '[.things[0].parts[0].partitions[].name] | join(";")' out)"
cp one.img five.img && truncate -s 20M five.img
differs 'a larger disk' ./one.img ./five.img

# Directories below directories, and links.
mkdir -p d1/sub/deep d2/sub/deep
echo a | tee d1/x.txt >d2/x.txt
echo 1 >d1/sub/deep/f
echo 2 >d2/sub/deep/f
differs 'a file further below' ./d1 ./d2
same 'and which' sub/deep/f "$(jq -r '[.things[0].parts[] | select(.differs).name] | join(" ")' out)"
cp d1/sub/deep/f d2/sub/deep/f
code 'nothing below' 0 "$orch" diff ./d1 ./d2 --exit-code
ln -s x.txt d1/now && ln -s y.txt d2/now
differs 'a link' ./d1 ./d2
rm d2/now
differs 'a link that is gone' ./d1 ./d2

# Rights: who may write where others look, and who comes in.
mkdir -p t1/usr t1/etc t1/tmp t2/usr t2/etc t2/tmp
chmod 1777 t1/tmp && chmod 0777 t2/tmp
ln -s y t1/etc/x && echo hi >t2/etc/x && chmod 666 t2/etc/x
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:9:9::/:/bin/sh\nother:x:8:8::/:/bin/sh\n' >t1/etc/passwd
printf 'root::0:0:root:/root:/bin/sh\nroot:x:0:0:root:/root:/bin/sh\napp:x:00:9::/:/bin/sh\nother::8:8\n' >t2/etc/passwd
printf 'root:*:1::::::\napp:*:1::::::\n' | tee t1/etc/shadow >t2/etc/shadow
differs 'rights' ./t1 ./t2
same 'are alarms' 'user app,user other,user root;/etc/x,/tmp' \
	"$(jq -r '.things[0].parts[0] | [.accounts, .files | map(select(.alarm).name) | join(",")] | join(";")' out)"

# Which architecture is the first of a package depends on no order.
status() { # ARCH...: as dpkg's list of two architectures
	for arch in "$@"; do
		printf 'Package: libx\nStatus: install ok installed\nArchitecture: %s\nMulti-Arch: same\nVersion: 1-%s\n\n' "$arch" "$arch"
	done
	printf 'Package: dpkg\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1\n\n'
}
mkdir -p m1/usr m2/usr m1/var/lib/dpkg m2/var/lib/dpkg
status arm64 armhf >m1/var/lib/dpkg/status
status armhf arm64 >m2/var/lib/dpkg/status
code 'architectures in another order' 0 "$orch" diff ./m1 ./m2 --json
same 'are the same packages' '' "$(jq -r '.things[0].parts[0].packages[].name' out)"
status armhf >m2/var/lib/dpkg/status
differs 'one architecture is gone' ./m1 ./m2
same 'which is the own one' 'libx removed' "$(jq -r '.things[0].parts[0].packages[] | "\(.name) \(.change)"' out)"

# Names and links are foreign.
esc=$(printf '\033[2J')
mkdir n1 n2
for d in t1 t2; do
	tar -C $d -cf "n${d#t}/a$esc.tar" . && cp "n${d#t}/a$esc.tar" "n${d#t}/b.tar"
done
ln -s "x$esc" n1/link && ln -s "y$esc" n2/link
code 'names that would clear the screen' 3 "$orch" diff ./n1 ./n2 --exit-code
lacks 'are harmless' "$(printf '\033')" out
check 'twins are told in short' grep -q 'the same files differ as in a' out

# Whoever looks into these says that they are damaged: nobody looks into what is equal or alone.
mkdir e1 e2
printf '\037\213no archive' | tee e1/a.tgz >e2/a.tgz
printf '!<arch>\ndebian-binary, no more' >e1/b.deb && ln e1/b.deb e2/b.deb
printf '\375''7zXZ no more' >e1/c.xz
code 'equal directories' 0 "$orch" diff ./e1 ./e2 --json
same 'what is equal is not looked into, nor what is alone' 'x.tgz: null,x.deb: null,x.xz: only before' \
	"$(jq -r '[.things[0].parts[] | "\(.name | sub("^[*]"; "x")): \(.note)"] | join(",")' out)"
code 'a directory beside itself' 0 "$orch" diff ./e1 ./e1 --exit-code
same 'says one thing' './e1: no difference' "$(cat out)"
printf 'XFSB' | dd of=one.img bs=512 seek=2048 conv=notrunc status=none
cp one.img six.img && printf 'x' | dd of=six.img bs=512 seek=12300 conv=notrunc status=none
differs 'one partition of two' ./one.img ./six.img
same 'the other is not looked into' 'root-a: null' "$(jq -r '.things[0].parts[] | select(.name == "root-a") | "\(.name): \(.note)"' out)"

# What is small, and took gigabytes and minutes.
mkdir -p w1/usr w2/usr
seq -f 'x=%06.f' 1 20000 | tr '\n' ' ' >w1/cmdline.txt
seq -f 'x=%06.f' 1 20001 | tr '\n' ' ' >w2/cmdline.txt
seq -f 'u%.f:x:1:1::/:' 1 20000 | tee w1/etc-passwd >w2/etc-passwd
mkdir w1/etc w2/etc && mv w1/etc-passwd w1/etc/passwd && mv w2/etc-passwd w2/etc/passwd
seq -f 'u%.f:*:1::::::' 1 20000 | tee w1/etc/shadow >w2/etc/shadow
code 'a long command line, many users' 3 sh -c "ulimit -t 30; exec '$orch' diff ./w1 ./w2 --exit-code --json"
same 'is one word' 'x' "$(jq -r '.things[0].parts[0].boot[].name | sub("^.*: "; "")' out)"
mkdir w3 && (cd w3 && seq 30000 | split -l 1 -a 4 -) && cp -al w3 w4
code 'many files' 0 sh -c "ulimit -t 20; exec '$orch' diff ./w3 ./w4 --exit-code"
finish
