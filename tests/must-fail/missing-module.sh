# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: custom_build/initramfs/modules:4:1: /usr/lib/modules/6.1 of node 'build-base' has no module 'sdhci-iprok', which is left out without a word: did you mean 'sdhci_iproc'?
all_features
modules=tree/usr/lib/modules/6.1
touch $modules/kernel/sdhci-iproc.ko.xz $modules/kernel/gpio-regulator.ko
echo kernel/fs/ext4/ext4.ko >$modules/modules.builtin
printf 'ext4.license=GPL\0ext4.alias=fs-ext3\0' >$modules/modules.builtin.modinfo
replace custom_build/initramfs/modules '4,$d; 3a sdhci-iprok\ngpio_regulator\next4\nfs-ext3'
tree_of build-base
