# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no unit 'prepare-dat.service': did you mean 'prepare-data.service'?
replace rootfs/etc/systemd/system/note-bootloader.service 's/prepare-data/prepare-dat/'
