# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: and 'linux-image-6.12.999+deb13-rt-arm64': its initramfs is for one of them
replace recipes/build-base.yaml 's/^  - linux-image-arm64$/&\n  - linux-image-rt-arm64/'
kernel='6.12.999-1 arm64 pool/l.deb 1 0000000000000000000000000000000000000000000000000000000000000000 linux 6.12.999-1 1'
replace recipes/build-base.lock "/^package [^ ]* linux-image-arm64 /i\\
package debian linux-image-6.12.999+deb13-rt-arm64 $kernel linux-base"
sealed recipes/build-base.lock
