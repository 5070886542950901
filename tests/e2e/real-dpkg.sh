#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A dozen packages with much in their maintainer scripts: what orch makes of them is what dpkg makes.
# root
. tests/e2e/real-dpkg-lib.sh
compare quick
