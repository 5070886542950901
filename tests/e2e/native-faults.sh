#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template: an update that fails, one that the power cut short, and a boot loader that forgot.
. tests/e2e/native-lib.sh
code falls-back 0 "$orch" build tests/broken-update tests/cut-install tests/environment
told broken-update 'native-app 1.0.0: slot A: up' 'native-app 3.0.0: slot B: broken'
finish
