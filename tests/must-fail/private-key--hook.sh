# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: a private key would be in 'bundle' as 'hook'
cat pki/private/signer.key >>custom_build/bundle/hook
