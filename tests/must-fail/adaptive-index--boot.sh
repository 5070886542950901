# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: slots of class 'bootloader' have type=boot-gpt-switch
echo 'adaptive: [rootfs, bootloader]' >>recipes/bundle.yaml
replace rootfs/etc/rauc/system.conf 's#^statusfile=.*#&\ndata-directory=/data/rauc#'
