# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: this tree has two kernels, 'linux-image-6.12.999+deb13-arm64' and, of node 'platform-kernel', 'linux-image-6.12.
# As 'orch lock base --update linux-image-arm64' leaves it.
kernel='6.12.999-1 arm64 pool/l.deb 1 0000000000000000000000000000000000000000000000000000000000000000 linux 6.12.999-1 1'
replace recipes/base.lock "/^want ?tools/a\\
want ?updated linux-image-arm64
/^package [^ ]* libreadline8t64 /a\\
package debian linux-image-6.12.999+deb13-arm64 $kernel linux-base\\
package debian linux-image-arm64 $kernel linux-image-6.12.999+deb13-arm64"
sealed recipes/base.lock
