# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: is made with two kernels, 'linux-image-6.12.999+deb13-arm64' of node 'platform-kernel' and 'linux-image-6.12.
# As 'orch lock platform-kernel --update linux-image-arm64' leaves it.
replace recipes/platform-kernel.lock 's/linux-image-6\.12\.[0-9]*+deb13/linux-image-6.12.999+deb13/g'
sealed recipes/platform-kernel.lock
