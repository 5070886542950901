# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: U-Boot unpacks at most 0x4000000
kernel 0000000007000000
all_features
system_tree
