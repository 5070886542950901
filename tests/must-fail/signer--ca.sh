# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is a CA
certificate '1 year' basicConstraints=critical,CA:true
