# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: the repository of suite 'stable' is valid until 2024-01-31, and consumers refuse it then
mkdir -p debs
sed -i 's/^default: \[/default: [packages, /' recipes/project.yaml
printf 'kind: pki\ntype: openpgp\nkey: pki/private/repo.key\nkeyring: pki/repo.gpg\n' >recipes/repo-key.yaml
touch pki/private/repo.key pki/repo.gpg debs/app.deb
printf 'kind: repository\npackages: [debs/]\nsuite: stable\nvalid-for: 30d\ndate: 2024-01-01\nsign: repo-key\n' >recipes/packages.yaml
