# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: recipes/install.yaml:13:5: 'root-b' holds 'boot' on a new card and 'root-a' (recipes/install.yaml:12) holds 'root'
replace recipes/install.yaml '/root-b/s/from: root/from: boot/'
