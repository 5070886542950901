# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is not for code signing
certificate '1 year' keyUsage=digitalSignature extendedKeyUsage=serverAuth
