# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: orch lock
replace recipes/base.yaml 's/^  - netbase$/&\n  - bash/'
