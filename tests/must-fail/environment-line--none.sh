# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no file of the project becomes /etc/fw_env.config
mv rootfs/etc/fw_env.config custom_build/
sed -i 's#template: rootfs/etc/fw_env.config, to: /etc/#template: custom_build/fw_env.config, to: /etc/other/#' \
	recipes/root.yaml recipes/tests/*.yaml
