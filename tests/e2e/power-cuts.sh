#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The install image on an emulated board whose power is cut at random moments, and whose card is
# damaged at times: it always comes back. POWER_CUTS says how often, POWER_SEED repeats a run.
# packages
. tests/e2e/lib.sh
PATH=$PATH:/usr/sbin:/sbin

if [ ! -f pki/private/signer.key ]; then "$ORCH" pki init >/dev/null; fi
code "images, bundle and the board's U-Boot are built" 0 "$ORCH" build install root bundle tests/u-boot-virt
[ "$failures" = 0 ] || finish
check "the board comes back after each cut" python3 tests/e2e/power-cuts.py \
	--image out/install/install.img --root out/root/root.img --bundle out/bundle/bundle.raucb \
	--uboot out/tests/u-boot-virt/u-boot.bin --work "$scratch" \
	--cuts "${POWER_CUTS:-12}" --seed "${POWER_SEED:-$$}" --limit 1800
finish
