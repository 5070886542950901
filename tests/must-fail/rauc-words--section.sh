# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: RAUC knows no section 'handler', and would not start: did you mean 'handlers'?
replace rootfs/etc/rauc/system.conf 's/^.handlers.$/[handler]/'
