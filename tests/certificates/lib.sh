# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What makes the certificates of tests, and bundles signed with them, where it is read; the keys are lost.

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

# lists FILE CA...: what each has revoked, of all its days: devices ask for it.
lists() {
	to=$1
	shift
	for ca; do
		openssl ca -gencrl -config openssl.conf -cert "$ca.pem" -keyfile "$ca.key" \
			-crl_lastupdate 20200101000000Z -crl_nextupdate 20490101000000Z
	done >"$to"
}

# content IMAGE COMPATIBLE: what bundle() packs
content() {
	mkdir content
	cp "$1" content/rootfs.ext4
	cat >content/manifest.raucm <<END
[update]
compatible=$2
version=2.0.0

[bundle]
format=verity

[image.rootfs]
filename=rootfs.ext4
END
}

# bundle NAME [WORD...]: signed as NAME; WORDs of env stand before the command
bundle() {
	signer=$1
	shift
	env "$@" rauc bundle --cert="$signer.pem" --key="$signer.key" --mksquashfs-args="-comp zstd" \
		content "$signer.raucb"
}
