# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: leads to '/usr/lib/systemd/system/nosuch.service', which image 'root' does not have
mkdir -p rootfs/etc/systemd/system/multi-user.target.wants
ln -s /usr/lib/systemd/system/nosuch.service rootfs/etc/systemd/system/multi-user.target.wants/
all_features
kernel 0000000002000000
system_tree
replace recipes/project.yaml 's/^default:.*/default: [bundle, install, base]/'
