# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: stands for many commits
printf 'kind: release\nbundle: bundle\ncard: install\nversion: 1.1.1-dev\n' >recipes/release.yaml
