# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# template: ab-tryboot
# says: there is no '/usr/lib/gateway/tryboot' in any image
rm rootfs/usr/lib/gateway/tryboot
replace recipes/root.yaml '/tryboot/d'
