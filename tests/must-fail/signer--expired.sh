# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: expired on
certificate yesterday keyUsage=digitalSignature extendedKeyUsage=codeSigning,emailProtection
