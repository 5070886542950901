#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# version.sh VERSION: the version with the commit of this tree; fails where the tree is not a git checkout
# of its own, as one unpacked from a tarball into another.
set -eu
cd "$(dirname "$0")/../.."
export GIT_OPTIONAL_LOCKS=0
[ -e .git ] && commit=$(git describe --always --dirty --abbrev=12 --match='v[0-9]*')
printf '%s (%s)\n' "$1" "$commit"
