#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What orch makes of many packages is what dpkg makes: those of real-dpkg.packages for 'servers'.
# root
. tests/e2e/real-dpkg-lib.sh
compare servers
