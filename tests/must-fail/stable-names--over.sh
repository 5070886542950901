# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'mmcblk' does not name one disk for ever
# What an image lays over a tree counts, whatever the tree is called.
mkdir over
echo '/dev/mmcblk0p4 /data ext4 noatime,nofail 0 0' >over/fstab
sed -i '/^  - {copy: rootfs\/, to: \/}/d; s#^  - {unpack: .*#  - {unpack: "z-tree:root.tar"}\n  - {copy: over/fstab, to: /etc/}#' recipes/root.yaml
printf 'kind: tree\nfrom: "system:root.tar"\ncontents: [{copy: rootfs/, to: /}]\n' >recipes/z-tree.yaml
