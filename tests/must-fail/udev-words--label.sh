# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this file has no LABEL="end"
replace rootfs/etc/udev/rules.d/90-system-disk.rules 's/LABEL="end"/LABEL="edn"/'
