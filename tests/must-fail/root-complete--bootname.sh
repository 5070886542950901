# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: of slot B has no slot with bootname=B
mkdir -p vendor x/usr/bin x/sbin x/etc/rauc && : >x/usr/bin/rauc && : >x/sbin/init
printf '[system]\ncompatible=gateway\n[slot.rootfs.0]\nbootname=A\n[slot.rootfs.1]\nbootname=C\n' >x/etc/rauc/system.conf
truncate -s 8M vendor/root.ext4 && mke2fs -q -t ext4 -d x vendor/root.ext4
replace recipes/install.yaml 's#from: root,#from: vendor/root.ext4,#'
