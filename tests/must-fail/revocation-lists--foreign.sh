# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not signed by it
other_keys
sed '/BEGIN X509 CRL/,/END X509 CRL/d' pki/keyring.pem >keyring.new
sed -n '/BEGIN X509 CRL/,/END X509 CRL/p' other/pki/keyring.pem >>keyring.new
mv keyring.new pki/keyring.pem
rm -r other
