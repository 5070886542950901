#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bundles that are well made but for their certificate.
#
#   make.sh IMAGE COMPATIBLE     here: keyring.pem, with two CAs and their lists as a device's own, and
#     expired.raucb   signed after the end of its certificate
#     usage.raucb     signed with a certificate that is not for signing code
#     stranger.raucb  signed under a CA that is not in the keyring
set -eu
# shellcheck source=tests/certificates/lib.sh
. "${0%/*}/lib.sh"

for ca in first other stranger-ca; do
	certificate $ca - authority 20490101000000Z
done
certificate expired first code 20210101000000Z
certificate usage first web 20490101000000Z
certificate stranger stranger-ca code 20490101000000Z
lists lists.pem first other
cat first.pem other.pem lists.pem >keyring.pem

content "$1" "$2"
for name in expired usage stranger; do
	bundle $name
done
