#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Channels, as 'orch publish' writes them, of a bundle and a signer:
#
#   channels.sh SIGNER BUNDLE IMAGE COMPATIBLE     here, by SIGNER.key and SIGNER.pem:
#     first.channel    serial 7, BUNDLE for all
#     halted.channel   serial 8, the same, halted
#     again.channel    serial 9, for all again
#     expired.channel  serial 10, over
#     stranger.channel serial 11, signed by somebody else
#     other.raucb      another bundle of that signer, 1.5.0
set -eu
# shellcheck source=tests/certificates/lib.sh
. "${0%/*}/../certificates/lib.sh"
signer=$1 bundle=$2 compatible=$4

length=$(($(tail -c 8 "$bundle" | od -An -tu8 --endian=big)))
tail -c $((length + 8)) "$bundle" | head -c "$length" | openssl cms -verify -noverify -inform DER >manifest
manifest=$(sha256sum <manifest | cut -d' ' -f1)
digest=$(sha256sum <"$bundle" | cut -d' ' -f1)

# channel NAME SERIAL EXPIRES HALT [SIGNER]
channel() {
	cat >text <<END
{
"orch-channel": 1,
"channel": "stable",
"compatible": "$compatible",
"serial": $2,
"issued": "2026-01-01T00:00:00Z",
"not-before": "2026-01-01T00:00:00Z",
"expires": "$3",
"halt": $4,
"percent": 100,
"version": "2.0.0",
"bundle": "bundles/2.0.0/bundle.raucb",
"size": $(stat -c %s "$bundle"),
"sha256": "$digest",
"manifest": "$manifest"
}
END
	openssl cms -sign -binary -nodetach -md sha256 -signer "${5-$signer}.pem" -inkey "${5-$signer}.key" \
		-in text -outform DER -out "$1.channel"
}

certificate stranger-ca - authority 20490101000000Z
certificate stranger stranger-ca code 20490101000000Z
channel first 7 2048-01-01T00:00:00Z false
channel halted 8 2048-01-01T00:00:00Z true
channel again 9 2048-01-01T00:00:00Z false
channel expired 10 2026-02-01T00:00:00Z false
channel stranger 11 2048-01-01T00:00:00Z false stranger

content "$3" "$4"
sed -i 's/^version=.*/version=1.5.0/' content/manifest.raucm
cp "$signer.key" other.key
cp "$signer.pem" other.pem
bundle other
