# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: which 'pki' signs
other_keys
mv other/pki other-pki
rm -r other
sed 's#pki/#other-pki/#' recipes/pki.yaml >recipes/other-pki.yaml
replace recipes/root.yaml 's/pki:keyring.pem/other-pki:keyring.pem/'
