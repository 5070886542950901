# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no line mounts '/var'
replace rootfs/etc/fstab '/^tmpfs/d'
