#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bundles that are well made but for their certificate. The keys are made here and lost.
#
#   make.sh IMAGE COMPATIBLE     here: keyring.pem, with two CAs and their lists as a device's own, and
#     expired.raucb   signed after the end of its certificate
#     usage.raucb     signed with a certificate that is not for signing code
#     stranger.raucb  signed under a CA that is not in the keyring
set -eu
image=$1
compatible=$2

cat >openssl.conf <<'END'
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
commonName = supplied
[req]
distinguished_name = names
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[code]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,codeSigning
[web]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,serverAuth
END
: >index.txt

# certificate NAME CA EXTENSIONS UNTIL: NAME.key and NAME.pem; CA "-": signed by itself.
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-config openssl.conf -subj "/CN=test $1" -out "$1.csr"
	if [ "$2" = - ]; then
		set -- "$1" "$1" "$3" "$4" -selfsign
	else
		set -- "$1" "$2" "$3" "$4" -cert "$2.pem"
	fi
	openssl ca -batch -notext -config openssl.conf -extensions "$3" -startdate 20200101000000Z \
		-enddate "$4" -keyfile "$2.key" "$5" ${6+"$6"} -in "$1.csr" -out "$1.pem"
}

# bundle NAME
bundle() {
	rauc bundle --cert="$1.pem" --key="$1.key" --mksquashfs-args="-comp zstd" content "$1.raucb"
}

for ca in first other stranger-ca; do
	certificate $ca - authority 20490101000000Z
done
certificate expired first code 20210101000000Z
certificate usage first web 20490101000000Z
certificate stranger stranger-ca code 20490101000000Z
# Of each CA an empty list of what it has revoked: devices ask for it.
for ca in first other; do
	openssl ca -gencrl -config openssl.conf -cert $ca.pem -keyfile $ca.key -out $ca.crl \
		-crl_lastupdate 20200101000000Z -crl_nextupdate 20490101000000Z
done
cat first.pem other.pem first.crl other.crl >keyring.pem

mkdir content
cp "$image" content/rootfs.ext4
cat >content/manifest.raucm <<END
[update]
compatible=$compatible
version=2.0.0

[bundle]
format=verity

[image.rootfs]
filename=rootfs.ext4
END
for name in expired usage stranger; do
	bundle $name
done
