#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template: what breaks, and other disks.
. tests/e2e/native-lib.sh
code falls-back 0 "$orch" build tests/broken-update tests/environment tests-faults
told broken-update 'native-app 1.0.0: slot A: up' 'native-app 3.0.0: slot B: broken'
finish
