# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: has no directory '/data' to mount this on
mkdir -p tree/var
tree_of system
