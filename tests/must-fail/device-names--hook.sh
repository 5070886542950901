# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no partition 'root-c', so there is no /dev/system/root-c in 'hook'
echo 'sync /dev/system/root-c' >>custom_build/bundle/hook
