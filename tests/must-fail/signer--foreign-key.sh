# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: does not belong to certificate
cp pki/private/root.key pki/private/signer.key
