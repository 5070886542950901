# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: which 'pki' signs
other_keys
mv other/pki/keyring.pem rootfs/etc/rauc/keyring.pem
rm -r other
replace recipes/root.yaml '/pki:keyring.pem/d'
