# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: recipes/bundle.yaml:9:18: a slot of class 'rootfs' has another file system on a new card ('root', recipes/install.yaml:
replace recipes/bundle.yaml 's/rootfs: root, bootloader: boot/rootfs: boot, bootloader: root/'
