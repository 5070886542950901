# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: made for development, 'CN = development
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
