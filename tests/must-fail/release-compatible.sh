# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: 'raspberrypi' is what a template calls its device
printf 'kind: release\nbundle: bundle\ncard: install\n' >recipes/release.yaml
