# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The boot script is made by the steps of the tree that ships, of a file in it.
# says: no line takes one off BOOT_A_LEFT
replace recipes/boot.yaml 's/boot-script:boot.scr/system:\/boot.scr/'
replace recipes/system.yaml 's/^run:.*/run: ["mkdir \/data", "mkimage -d \/boot.txt \/boot.scr"]/'
replace recipes/system.yaml '/^contents:/a\  - {template: custom_build/uboot-raspberrypi400/boot.txt, to: /}'
replace recipes/build-data.yaml '/boot-script:/d'
rm recipes/boot-script.yaml recipes/tests/shipped.yaml
replace recipes/bundle.yaml 's/, "tests.shipped[^"]*"//'
replace custom_build/uboot-raspberrypi400/boot.txt '/setexpr BOOT_A_LEFT/d'
