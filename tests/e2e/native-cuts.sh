#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The native template: every state of what GRUB chooses by, each power cut that leaves one, and slots alone.
. tests/e2e/native-lib.sh
code holds 0 "$orch" build --keep-going tests-cuts tests-rauc
told boot-choice '125 states, each chosen as RAUC does'
for name in cuts-first-boot cuts-all cuts-tries; do
	told "$name" "each boots, with the firmware's variables of before, too"
done
finish
