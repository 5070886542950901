# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: slot 'rootfs.0' is '/dev/system/root-a' (rootfs/etc/rauc/system.conf:
replace recipes/install.yaml 's/slots: {rootfs.0: .*/slots: {rootfs.0: root-b, rootfs.1: root-a}}}/'
