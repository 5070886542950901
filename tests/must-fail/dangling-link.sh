# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: which image 'root' does not have
ln -s ../usr/share/zoneinfo/Europe/Berlin rootfs/etc/localtime
all_features
kernel 0000000002000000
mkdir -p tree/usr/share/zoneinfo/Europe
: >tree/usr/share/zoneinfo/Europe/Paris
system_tree
replace recipes/project.yaml 's/^default:.*/default: [bundle, install, base]/'
