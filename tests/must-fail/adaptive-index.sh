# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: say 'data-directory=/data/…' in [system]
echo 'adaptive: true' >>recipes/bundle.yaml
