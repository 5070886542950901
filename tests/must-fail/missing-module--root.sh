# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: custom_build/initramfs/modules:1:1: the initramfs cannot mount the root slot, which is ext4 (recipes/root.yaml:4)
all_features
replace custom_build/initramfs/modules '4,$d; 3a loop'
tree_of build-base
