#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Clang's static analyser over engine/:  tests/analyse.sh [FILE...]
# A header that the build makes is looked for in _build.
# Exit 0: it finds nothing; 1: it does; 77: there is no clang. What it says wrongly is answered in the code,
# which is written so that it sees what it could not. Dead stores are not asked for: it does not know that a
# cleanup attribute reads its variable.
# A file in which it found nothing is not analysed again before its preprocessed text or clang changes:
# _build-analyse/FILE has the digest of both.
set -uo pipefail
self=$(realpath "$0")
cd "$(dirname "$0")/.." || exit 1
command -v clang >/dev/null || { echo "the analyser needs clang: ./dev deps" >&2; exit 77; }

flags=(-std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DORCH_VERSION='"0"' -DORCH_LIBEXEC='"/"' -DORCH_SHARE='"/"' -DORCH_DATE='"0"' -DHAVE_GUESTFS=1 -Iengine -I_build/engine -include base/banned.h)
read -r -a packages < <(pkg-config --cflags libcrypto libcurl yaml-0.1 sqlite3 jansson libarchive ext2fs fdisk smartcols libguestfs libseccomp)
flags+=("${packages[@]}")

# analyse FILE: what is found in it.
analyse() {
	local stamp=_build-analyse/$1 digest
	digest=$({ clang --version && clang -E "${flags[@]}" "$1"; } 2>&1 | sha256sum)
	[ "$digest" != "$(cat "$stamp" 2>/dev/null)" ] || return 0
	mkdir -p "${stamp%/*}"
	if clang --analyze --analyzer-output text -Xclang -analyzer-disable-checker=deadcode.DeadStores "${flags[@]}" "$1" >"$stamp.log" 2>&1 && [ ! -s "$stamp.log" ]; then
		echo "$digest" >"$stamp"
	else
		cat "$stamp.log"
		return 1
	fi
}

# Started by itself for each file, so that files can be analysed at the same time.
if [ "${1:-}" = --one ]; then
	analyse "$2"
	exit
fi
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'engine/*.c')
[ ${#files[@]} -gt 0 ] || { echo "no file to analyse" >&2; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 "$self" --one || exit 1
