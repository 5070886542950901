# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-efi
# says: of slot B has no init (/sbin/init)
mkdir -p vendor x/usr/bin && : >x/usr/bin/rauc && truncate -s 8M vendor/root.ext4 &&
	mke2fs -q -t ext4 -d x vendor/root.ext4
replace recipes/root.yaml 's#{unpack: base}#{unpack: vendor/root.ext4}#'
