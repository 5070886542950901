#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A stolen signing key.
#
#   stolen.sh IMAGE COMPATIBLE     here:
#     before.pem, after.pem   the keyring of a device before and after the thief's certificate is revoked
#     thief.raucb             made today with that certificate, which is over, and dated back to its days
#     honest.raucb            of another signer under the same CA, with honest.key and honest.pem
set -eu
# shellcheck source=tests/certificates/lib.sh
. "${0%/*}/lib.sh"

certificate ca - authority 20490101000000Z
certificate thief ca code 20210101000000Z
certificate honest ca code 20490101000000Z
lists none.pem ca
openssl ca -config openssl.conf -cert ca.pem -keyfile ca.key -revoke thief.pem
lists thief.list ca
cat ca.pem none.pem >before.pem
cat ca.pem thief.list >after.pem

content "$1" "$2"
bundle honest
# The library would fake the times of files, too, of which mksquashfs wants the real ones.
bundle thief NO_FAKE_STAT=1 faketime "2020-06-01 12:00:00"
