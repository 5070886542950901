# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: did you mean 'Description'?
# Where the root of the bundle that ships is called does not matter.
mkdir -p other/etc/systemd/system
printf '[Unit]\nDescrption=nothing\n' >other/etc/systemd/system/other.service
printf 'extends: root\nadd: {contents: [{copy: other/, to: /}]}\n' >recipes/tests/other-root.yaml
replace recipes/bundle.yaml 's#rootfs: root,#rootfs: tests/other-root,#'
