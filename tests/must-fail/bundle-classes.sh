# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no slot of class
replace recipes/bundle.yaml 's/rootfs:/rootfilesystem:/; s/\[rootfs\]/[rootfilesystem]/'
