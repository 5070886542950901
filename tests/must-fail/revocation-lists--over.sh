# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: ended on 2020-01-02
sed '/BEGIN X509 CRL/,/END X509 CRL/d' pki/keyring.pem >keyring.new
list() {
	: >index
	printf '[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\n' >conf
	openssl ca -config conf -gencrl -cert "$1" -keyfile "pki/private/$2.key" -crl_lastupdate 20200101000000Z \
		-crl_nextupdate 20200102000000Z >>keyring.new 2>/dev/null
	rm -f conf index*
}
openssl x509 -in pki/keyring.pem -out ca.pem
list ca.pem root
mv keyring.new pki/keyring.pem
rm ca.pem
