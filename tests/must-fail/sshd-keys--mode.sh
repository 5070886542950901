# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: that others may write to
printf '%s\n' 'modes: {/etc/ssh/authorized_keys: "0666"}' >>recipes/root.yaml
