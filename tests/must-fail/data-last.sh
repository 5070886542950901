# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: it must be the last one
replace recipes/install.yaml 's/^  - {name: root-a/  - {name: state, type: linux-generic, size: 64M, filesystem: ext4}\n&/'
