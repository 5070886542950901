# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: boot.txt:63:1: with 'watchdog.open_timeout=' the kernel resets a device on which nobody opens the watchdog
replace rootfs/etc/systemd/system.conf.d/edge-device.conf '/^RuntimeWatchdogSec/d'
