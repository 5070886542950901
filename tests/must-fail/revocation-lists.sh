# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there is none in 'pki/keyring.pem', and they would refuse every bundle: `orch pki crl` adds
sed '/BEGIN X509 CRL/,/END X509 CRL/d' pki/keyring.pem >keyring.new
mv keyring.new pki/keyring.pem
