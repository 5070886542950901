#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# embed.sh OUT DEPFILE NAME...: the project templates as C (engine/cli/skeleton.h), and what they are made
# of. templates/NAME has the template's files, templates/NAME/from what it takes of the reference project:
#
#	PATH            a file or directory of this tree
#	-PATH           less this
#	s/…/…/          and this edit (sed) of paths and texts of all that is taken so
#
# A file of the template's own replaces one that is taken. A line @DECISIONS@ in one becomes the list of
# docs/decisions.md. In NAME/amd64 and NAME/arm64 are the files that
# differ by the architecture of the machine on which a project is made.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${here%/*}
out=$1 depfile=$2
shift 2

# decisions: the rows of that table, but for what to do about each
decisions() {
	printf '%s\n' "$root/docs/decisions.md" >>"$depfile.new"
	awk -F ' *[|] *' '/^[|] \*\*/ {
		count = split($2 " (" $5 "), because " $3, words, " ")
		line = "-"
		for (i = 1; i <= count; i++) {
			if (length(line " " words[i]) > 98) {
				print line
				line = " "
			}
			line = line " " words[i]
		}
		print line
	}' "$root/docs/decisions.md"
}

# text FILE [SED]
text() {
	sed "${2:-}" "$1" | while IFS= read -r line; do
		if [ "$line" = @DECISIONS@ ]; then decisions; else printf '%s\n' "$line"; fi
	done
}

# row TEMPLATE ARCH PATH FILE [SED]
row() {
	if [ -h "$4" ]; then
		printf '{"%s", %s, "%s", 0120777,\n"%s"},\n' "$1" "$2" "$3" "$(readlink "$4")"
		return
	fi
	mode=0644
	[ ! -x "$4" ] || mode=0755
	[ -z "$(tail -c 1 "$4")" ] || { echo "$4 does not end in a line end" >&2; exit 1; }
	printf '%s\n' "$4" >>"$depfile.new"
	printf '{"%s", %s, "%s", %s,\n""' "$1" "$2" "$3" "$mode"
	text "$4" "${5:-}" | sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/'
	printf '},\n'
}

# files DIR: those in it, sorted, by their path there
files() { (cd "$1" && find . \( -type f -o -type l \) ! -name '*~' | sed 's,^\./,,' | LC_ALL=C sort); }

own() { # NAME
	files "$here/$1" | while read -r path; do
		case $path in
		from) printf '%s\n' "$here/$1/from" >>"$depfile.new" ;;
		amd64/* | arm64/*) row "$1" "\"${path%%/*}\"" "${path#*/}" "$here/$1/$path" ;;
		*) row "$1" NULL "$path" "$here/$1/$path" ;;
		esac
	done
}

taken() { # NAME
	[ -f "$here/$1/from" ] || return 0
	edits=$(grep '^[s/]' "$here/$1/from" || :)
	sed -n 's/^-//p' "$here/$1/from" >"$out.less"
	grep -v '^[-#s/]' "$here/$1/from" | grep . | while read -r what; do
		if [ -d "$root/$what" ] && [ ! -h "$root/$what" ]; then
			files "$root/$what" | sed "s,^,$what/,"
		else
			echo "$what"
		fi
	done | while read -r path; do
		[ ! -e "$here/$1/$path" ] || continue
		! grep -q -x -F "$path" "$out.less" || continue
		row "$1" NULL "$(printf '%s\n' "$path" | sed "$edits")" "$root/$path" "$edits"
	done
	rm "$out.less"
}

: >"$depfile.new"
{
	for name; do
		own "$name"
		taken "$name"
	done
} >"$out.new"
{
	printf '%s:' "$out"
	sort -u "$depfile.new" | while read -r file; do printf ' %s' "$file"; done
	echo
} >"$depfile"
rm "$depfile.new"
mv "$out.new" "$out"
