#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks every #include "LAYER/..." of engine/ against the table of ARCHITECTURE.md, and that the libraries
# with a home of their own are included nowhere else.
set -eu
cd "$(dirname "$0")/.."

# The rows "| `LAYER` | what it may use | ..." as lines "LAYER USE...".
table=$(sed -n '/^## The layers/,/^## /s/^| `\([a-z]*\)` |\([^|]*\)|.*/\1 \2/p' ARCHITECTURE.md | tr -d '`,')
layers=$(printf '%s\n' "$table" | sed 's/ .*//')

# allowed LAYER: what it may include, itself too.
allowed() {
	printf '%s\n' "$table" | while read -r layer uses; do
		[ "$layer" = "$1" ] || continue
		# shellcheck disable=SC2086 # the names of all
		if [ "$uses" = all ]; then echo $layers; else echo "$layer $uses"; fi
	done
}

there=$(find engine -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
[ "$(printf '%s\n' "$layers" | sort)" = "$there" ] || {
	printf "%s\n" "ARCHITECTURE.md: its layers are not the directories of engine/:" "$layers"
	exit 1
}

# HEADER-PATTERN FILE...: only these files may include it.
homes='
yaml.h engine/recipe/yaml.c
curl/ engine/base/http.c engine/base/http_request.c
sqlite3.h engine/store/state
guestfs.h engine/machine/guest/appliance.c
libfdisk engine/media/disk/gpt.c
ext2fs/ engine/media/ext4/
archive engine/media/tree/
nghttp2/ engine/remote/grpc
protobuf-c/ engine/remote/
openssl/ engine/base/digest.c engine/base/private_key.c engine/media/tree/ssh_key.c engine/kinds/pki/ engine/evidence/dsse.c engine/remote/dial engine/remote/sign.c
zstd engine/remote/transport_reapi
libsmartcols engine/cli/table.c
seccomp.h engine/machine/sandbox/call_wall_gen.c
'

bad=$(
	git ls-files 'engine/*.c' 'engine/*.h' | sort -u | while read -r file; do
		layer=${file#engine/}
		layer=${layer%%/*}
		sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file" | while read -r inc; do
			for ok in $(allowed "$layer"); do
				case $inc in "$ok" | "$ok"/*) continue 2 ;; esac
			done
			echo "$file: '$layer' may not include \"$inc\""
		done
		sed -n 's/^#include <\([^>]*\)>.*/\1/p' "$file" | while read -r inc; do
			echo "$homes" | while read -r pattern places; do
				[ -n "$pattern" ] || continue
				case $inc in "$pattern"*) ;; *) continue ;; esac
				for place in $places; do
					case $file in "$place"*) continue 2 ;; esac
				done
				echo "$file: <$inc> belongs to $places"
			done
		done
	done
)
[ -z "$bad" ] || { printf '%s\n' "$bad"; exit 1; }

# What a recipe says is read by its kind's option table alone: a rule or a command that looked a key up
# by its name would pass without a word when the key is renamed.
raw=$(git grep -nE 'yaml_[a-z_]+\(|recipe->map\b|project->map\b' -- \
	engine/check engine/cli engine/run engine/store engine/machine engine/media || true)
[ -z "$raw" ] || { printf '%s\n' "options and facts, not YAML, are for these:" "$raw"; exit 1; }
