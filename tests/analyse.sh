#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Clang's static analyser over engine/:  tests/analyse.sh [FILE...]
# Exit 0: it finds nothing; 1: it does; 77: there is no clang. What it says wrongly is answered in the code,
# by an assertion that says what it cannot see.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
command -v clang >/dev/null || { echo "the analyser needs clang: ./dev deps" >&2; exit 77; }
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'engine/*.c')
[ $# = 0 ] || files=("$@")
mapfile -t flags < <(pkg-config --cflags libcrypto libcurl yaml-0.1 sqlite3 jansson libarchive ext2fs fdisk smartcols libguestfs |
	tr ' ' '\n' | sed '/^$/d')
export CLANG_FLAGS="${flags[*]}"
# shellcheck disable=SC2016 # the inner shell's
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 sh -c 'exec clang --analyze --analyzer-output text \
	-Qunused-arguments -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DORCH_VERSION="\"0\"" \
	-DHAVE_GUESTFS=1 -Iengine -include base/banned.h $CLANG_FLAGS "$1" 2>&1' sh | tee /dev/stderr | {
	! grep -q -E ' (warning|error): '
}
