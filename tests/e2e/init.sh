#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch init: what each template makes is whole, has the names that were given and no others, and nothing is
# to be complained about; what the smallest makes builds, twice. The program needs nothing of this tree.
. tests/e2e/lib.sh
tree=$PWD
cd "$scratch" || exit 1
export ORCH_STORE="$scratch/store"
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch

code makes-a-project 0 "$orch" init 'New one'
PATH=$scratch:$PATH
code builds-as-it-says 0 sh -c "$(sed -n 's/^next: //p' "$scratch/out")"
check has-a-card test -s 'New one/out/card/card.img'
check card-is-good sfdisk --verify 'New one/out/card/card.img'
"$orch" -C 'New one' check >"$scratch/out" 2>&1
same nothing-to-complain '2 nodes: no error, 0 warnings' "$(cat "$scratch/out")"
code nothing-to-do 0 "$orch" -C 'New one' plan --exit-code
same name-of-the-directory 'name: new-one' "$(grep ^name: 'New one/recipes/project.yaml')"
code again-refused 2 "$orch" init 'New one'
check says-why grep -q 'is not empty' "$scratch/err"
mkdir -p empty/.git
code into-a-clone-of-nothing 0 "$orch" -C empty init
same told-from-here 'next: orch -C empty build' "$(grep ^next: "$scratch/out")"
mkdir here
code into-where-one-stands 0 sh -c 'cd here && orch init'
same told-from-there 'next: orch build' "$(grep ^next: "$scratch/out")"
code which-builds 0 "$orch" -C empty build
same its-name 'name: empty' "$(grep ^name: empty/recipes/project.yaml)"
cd 'New one' || exit 1
before=$(cat recipes/*.yaml)
code no-directory 2 "$orch" init ''
same leaves-the-project-alone "$before" "$(cat recipes/*.yaml)"
code no-store-name 2 "$orch" --store '' store gc
cd .. || exit 1
code over-a-file 2 "$orch" init orch

code lists-templates 0 "$orch" init --list
templates=$(sed 's/ .*//' "$scratch/out")
same all-of-them 'minimal ab-efi ab-uboot ab-tryboot' "$(printf '%s\n' "$templates" | paste -sd' ')"
code unknown-template 2 "$orch" init --template ab-efy pc
check near-one grep -q "did you mean 'ab-efi'" "$scratch/err"
for name in Pc 'a b' -x aaaaaaaaaabbbbbbbbbbccccccccccddd ''; do
	code "no-name-$name" 2 "$orch" init "--name=$name" pc
done
code unknown-architecture 2 "$orch" init --template ab-efi --arch riscv64 pc
check which-there-are grep -q 'is for amd64 and arm64' "$scratch/err"
code architecture-of-none 2 "$orch" init --arch arm64 pc
check nothing-made test ! -e pc
for arch in amd64 arm64; do
	code "for-$arch" 0 "$orch" init --template ab-efi --arch $arch "pc-$arch"
	check "is-for-$arch" grep -q "^arch: $arch\$" "pc-$arch/recipes/boards/pc.yaml"
done
# On a terminal it asks; an answer may be empty.
python3 "$tree/tests/e2e/terminal.py" 'name of the project [asked]=acme\r' 'compatible: the device, as updates name it [acme]=\r' -- \
	"$orch" init --template ab-efi asked >"$scratch/out" 2>&1
same told-on-a-terminal 'name: acme' "$(grep ^name: asked/recipes/project.yaml)"
check device-too grep -q 'compatible: acme$' asked/recipes/project.yaml
for template in $templates; do
	code "$template-is-made" 0 "$orch" init --template "$template" --name the-name --compatible the-device "$template"
	cp "$scratch/out" said
	find "$template" -type f | sort >files
	same "$template-all-filled" '' "$(xargs -d '\n' grep -l -E '@[A-Z]+@|edge-(device|app)' <files; grep -E '@[A-Z]+@|edge-' files)"
	for file in README.md .gitignore .gitlab-ci.yml .github/workflows/image.yml recipes/project.yaml; do
		check "$template-has-$file" test -s "$template/$file"
	done
	[ "$template" != minimal ] || continue
	check "$template-tells-decisions" grep -q '^Decisions you cannot take back' said
	check "$template-names-device" grep -q "the-device" said
	# Each decision of the book, with a place that is there.
	sed -n 's/^| \*\*\([^*]*\)\*\*.*/\1/p' "$tree/docs/decisions.md" | tr -d '`' >decisions
	check "$template-has-decisions" test "$(wc -l <decisions)" -gt 10
	same "$template-tells-all" '' "$(while read -r decision; do
		grep -q "^- $decision" said || echo "$decision"
	done <decisions)"
	sed -n 's/^- .*(\(.*\)), because.*/\1/p' said | sed 's/.* of //' | sort -u >places
	check "$template-has-places" test "$(wc -l <places)" -gt 3
	sed -n 's/^next: orch -C [^ ]* //p' said >next
	same "$template-next" 'pki init,lock,build,' "$(tr '\n' , <next)"
	code "$template-keys" 0 "$orch" -C "$template" pki init
	same "$template-places-are-there" '' "$(while read -r place; do
		test -e "$template/$place" || echo "$place"
	done <places)"
	"$orch" -C "$template" check >"$scratch/out" 2>&1
	same "$template-nothing-but-locks-is-wrong" '' \
		"$(grep -E '\[[a-z-]+\]$' "$scratch/out" | grep -v -E '^note|^warning|\[unlocked-package\]$')"
	code "$template-graph" 0 "$orch" -C "$template" graph --format dot
	check "$template-device-is-named" grep -q -r 'the-device' "$template/recipes/project.yaml"
done
# What comes of the reference project is as it is there.
same one-source '' "$(cd "$tree" && for f in recipes/install.yaml rootfs/etc/fstab custom_build/initramfs/modules; do
	cmp "$f" "$scratch/ab-uboot/$f"
done 2>&1)"
check modes-too test -x ab-uboot/custom_build/app/debian/rules
same links-too "$(readlink "$tree/rootfs/etc/resolv.conf")" "$(readlink ab-efi/rootfs/etc/resolv.conf)"
finish
