# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'oneshot'?
replace rootfs/etc/systemd/system/check-data.service 's/=oneshot/=onshot/'
