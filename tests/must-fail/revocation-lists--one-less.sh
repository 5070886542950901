# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: CA' has revoked, and devices that check lists refuse all below it
awk '/BEGIN X509 CRL/ { lists++ } lists != 1' pki/keyring.pem >keyring.new
mv keyring.new pki/keyring.pem
