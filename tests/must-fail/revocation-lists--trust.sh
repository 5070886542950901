# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: vendor.pem' has a certificate ('CN = development root CA') beside its lists
{ openssl crl -in pki/keyring.pem && openssl x509 -in pki/keyring.pem; } >pki/vendor.pem
echo 'crl: [pki/vendor.pem]' >>recipes/pki.yaml
