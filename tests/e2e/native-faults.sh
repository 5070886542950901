#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template: what breaks, and other disks.
. tests/e2e/native-lib.sh
code falls-back 0 "$orch" build --keep-going tests/broken-app tests/environment tests-faults
told broken-app 'native-app 3.0.0: slot A: broken' 'native-app 1.0.0: slot B: up'
finish
