# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no unit 'check-date.service': did you mean 'check-data.service'?
replace rootfs/etc/fstab 's/check-data.service/check-date.service/'
