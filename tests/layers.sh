#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks every #include "LAYER/..." of engine/ against the table of who may use whom, and that the
# libraries with a home of their own are included nowhere else.
set -eu
cd "$(dirname "$0")/.."

allowed() {
	case $1 in
	base) echo base ;;
	recipe) echo base recipe ;;
	store) echo base store ;;
	graph) echo base recipe store graph ;;
	run) echo base recipe store graph run ;;
	media) echo base media ;;
	machine) echo base machine ;;
	kinds) echo base recipe media machine kinds run/action.h ;;
	check) echo base recipe store graph media kinds check ;;
	cli) echo base recipe store graph run media machine kinds check cli ;;
	esac
}

# HEADER-PATTERN FILE...: only these files may include it.
homes='
yaml.h engine/recipe/yaml.c
curl/ engine/base/curl_lazy.h
sqlite3.h engine/store/state
guestfs.h engine/machine/guestfs_lazy.h
libfdisk engine/media/gpt.c
ext2fs/ engine/media/ext4
archive engine/media/archive_lazy.h
openssl/ engine/base/digest.c engine/kinds/pki engine/kinds/x509
libsmartcols engine/cli/table.c
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
