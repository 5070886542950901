# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC would not find what is 'installed': its 'data-directory' on a new card is '/data/rauc', and system.conf has '/data/indexes'
replace rootfs/etc/rauc/system.conf 's#^data-directory=.*#data-directory=/data/indexes#'
