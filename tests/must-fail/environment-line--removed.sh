# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: no file of the project becomes /etc/fw_env.config
replace recipes/root.yaml 's#^remove:#&\n  - /etc/fw_*#'
