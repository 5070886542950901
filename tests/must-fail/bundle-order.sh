# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: name it last
replace recipes/bundle.yaml 's/^images:.*/images: {bootloader: boot, rootfs: root}/'
