# shellcheck shell=sh disable=SC2154 # scratch: tests/e2e/lib.sh
# SPDX-License-Identifier: GPL-3.0-or-later
# product_keys NAME: in pki/ of the current directory the certificates of a product, which no release refuses: a
# root and a signer below it that are called so.
product_keys() {
	mkdir -p pki/private
	openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$1 root" -days 4000 -keyout "$scratch/root.key" \
		-addext keyUsage=critical,keyCertSign,cRLSign -out pki/keyring.pem
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1 signer" -keyout pki/private/signer.key -out "$scratch/csr"
	printf '%s\n' basicConstraints=CA:FALSE keyUsage=critical,digitalSignature \
		extendedKeyUsage=codeSigning,emailProtection >"$scratch/ext"
	openssl x509 -req -in "$scratch/csr" -CA pki/keyring.pem -CAkey "$scratch/root.key" -CAcreateserial \
		-days 3000 -extfile "$scratch/ext" -out pki/signer.pem
	chmod 600 pki/private/signer.key
}
