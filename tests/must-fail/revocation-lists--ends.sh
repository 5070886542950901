# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: before the CA: devices refuse
: >index
printf '[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\n' >conf
openssl x509 -in pki/keyring.pem -out ca.pem
sed '/BEGIN X509 CRL/,/END X509 CRL/d' pki/keyring.pem >keyring.new
openssl ca -config conf -gencrl -crldays 30 -cert ca.pem -keyfile pki/private/root.key >>keyring.new 2>/dev/null
mv keyring.new pki/keyring.pem
rm -f conf index* ca.pem
