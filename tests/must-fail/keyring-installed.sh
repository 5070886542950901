# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no image puts a keyring at
replace rootfs/etc/rauc/system.conf 's#^path=.*#path=/etc/rauc/other.pem#'
