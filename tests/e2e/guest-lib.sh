# shellcheck shell=sh disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts with a tiny guest, of this machine's own kernel and programs:  . tests/e2e/guest-lib.sh
# Sets $arch, and $kernel: one that finds an ext4 on NVMe by itself, as cloud kernels do.
kernel=
for k in /boot/vmlinuz-*; do
	config=/boot/config-${k#/boot/vmlinuz-}
	if [ -r "$k" ] && grep -qs '^CONFIG_EXT4_FS=y' "$config" && grep -qs '^CONFIG_BLK_DEV_NVME=y' "$config"; then
		kernel=$k
	fi
done
case $(uname -m) in
x86_64) arch=amd64 ;;
*) arch=arm64 ;;
esac
if [ -z "$kernel" ]; then
	skip "no kernel in /boot that needs no initramfs (linux-image-cloud-$arch)"
	finish
fi

# guest_project PROJECT: the kernel, and node 'disk', its root: a shell and what steps use, with their libraries.
guest_project() {
	guest=$1/tree
	mkdir -p "$1/recipes" "$guest"
	cp "$kernel" "$1/vmlinuz"
	for program in sh cat date dd env grep mkdir mount setsid sleep stty sync touch umount; do
		from=$(readlink -f "$(command -v $program)")
		mkdir -p "$guest/bin"
		cp "$from" "$guest/bin/$program"
		ldd "$from" | grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$guest${lib%/*}"
			cp -Ln "$lib" "$guest$lib"
		done
	done
	for directory in dev etc mnt proc root run sys tmp var/log; do
		mkdir -p "$guest/$directory"
		[ $directory = etc ] || touch "$guest/$directory/.keep"
	done
	echo guest >"$guest/etc/hostname"
	cat >"$1/recipes/disk.yaml" <<-'EOF'
		kind: image
		size: 96M
		table: gpt
		partitions:
		  - {name: root, type: linux-generic, filesystem: ext4, mount: /}
		contents: [{copy: tree, to: /}]
	EOF
}
