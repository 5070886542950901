# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not name one disk for ever
replace rootfs/etc/fstab 's#^/dev/system/data#LABEL=data#'
