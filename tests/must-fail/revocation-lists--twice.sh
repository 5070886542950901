# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: there are 2 lists of what CA 'CN = development root CA' has revoked
: >index
printf '[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\n' >conf
openssl x509 -in pki/keyring.pem -out ca.pem
openssl ca -config conf -gencrl -crldays 3650 -cert ca.pem -keyfile pki/private/root.key >>pki/keyring.pem 2>/dev/null
rm -f conf index* ca.pem
