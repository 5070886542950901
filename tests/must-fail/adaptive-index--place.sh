# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: '/var/lib/rauc' is on no partition of
echo 'adaptive: true' >>recipes/bundle.yaml
replace rootfs/etc/rauc/system.conf 's#^statusfile=.*#&\ndata-directory=/var/lib/rauc#'
