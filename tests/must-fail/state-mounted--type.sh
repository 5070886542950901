# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: partition 'data' holds ext4 (recipes/install.yaml
replace rootfs/etc/fstab 's/ext4/vfat/'
