# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: a stolen signing key is good for ever, as a bundle can be dated back: say 'check-crl=true'
replace rootfs/etc/rauc/system.conf '/^check-crl/d'
