# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not saved before the kernel starts
mv custom_build/uboot-raspberrypi400/boot.txt custom_build/uboot-raspberrypi400/boot.cmd
sed -i 's/boot[.]txt/boot.cmd/' custom_build/uboot-raspberrypi400/package.sh recipes/boot-script.yaml recipes/tests/*.yaml
replace custom_build/uboot-raspberrypi400/boot.cmd '/^saveenv/d'
