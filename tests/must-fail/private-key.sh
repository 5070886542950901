# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: a private key would be in
cp pki/private/signer.key rootfs/etc/rauc/device.key
