# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: vendor.crl' has no list of what is revoked (PEM)
openssl crl -in pki/keyring.pem -outform DER -out pki/vendor.crl
echo 'crl: [pki/vendor.crl]' >>recipes/pki.yaml
