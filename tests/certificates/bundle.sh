#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#   bundle.sh SIGNER IMAGE COMPATIBLE     here: SIGNER.raucb, by SIGNER.key and SIGNER.pem beside it
set -eu
# shellcheck source=tests/certificates/lib.sh
. "${0%/*}/lib.sh"

content "$2" "$3"
bundle "$1"
