# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'RuntimeWatchdogSec'?
replace rootfs/etc/systemd/system.conf.d/edge-device.conf 's/RuntimeWatchdogSec/RnutimeWatchdogSec/'
