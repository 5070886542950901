# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: issue a new certificate
certificate '20 days' keyUsage=digitalSignature extendedKeyUsage=codeSigning,emailProtection
