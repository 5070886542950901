# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is no directory '/vra': did you mean '/var'?
replace rootfs/etc/fstab 's,/var,/vra,'
