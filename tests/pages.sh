# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# For tests of the how-tos in docs/howto, which are pages of text and blocks between ```: one whose first
# line is '# PATH' is that file, from there on; a block 'console' has commands ("$ orch plan") and what
# they print, stdout and stderr together, then "[N]" when they exit with N. Each page is tried in a copy
# of docs/example with keys. What differs between machines and runs may differ: times, sizes, days, digests;
# in a page that says it needs packages, also their versions and how many they are.
#
# UPDATE=1 writes what came out into the page.

# Runs the commands of a transcript in the current directory and prints it again.
replay() {
	sed -n 's/^\$ //p' "$1" | while IFS= read -r command; do
		printf '$ %s\n' "$command"
		code=0
		sh -c "$command" </dev/null 2>&1 || code=$?
		[ $code = 0 ] || printf '[%d]\n' $code
	done
}

# Prints a page again, with what came of it in the current directory.
page() {
	block=text file=
	while IFS= read -r line; do
		case $block:$line in
		text:'```console') block=console ;;
		text:'```'?*) block=file file= ;;
		text:*) ;;
		*:'```') block=text ;;
		console:'$ '*)
			printf '%s\n' "$line" | replay /dev/stdin
			continue
			;;
		console:*) continue ;;
		*)
			if [ -z "$file" ] && [ "${line#'# '}" != "$line" ]; then
				file=${line#'# '}
				mkdir -p "${file%/*}"
				: >"$file"
			fi
			[ -z "$file" ] || printf '%s\n' "$line" >>"$file"
			;;
		esac
		printf '%s\n' "$line"
	done <"$1"
}

needs_packages() { grep -q '^Needs packages' "$1"; }

# What orch guesses of times, which is another thing on each machine, and how wide plan's column of them is.
guessed() {
	sed -E '/^(PLAN|build|perhaps|cached) /s/  +/ /g; s/ ?~[0-9.]+ [smh]( [0-9]+ [sm])?/ ~N/g' "$1"
}

# A page without what may differ.
settled() {
	settled_more=
	if needs_packages "$1"; then settled_more='s/[0-9][0-9A-Za-z.+~:-]*/N/g'; fi
	guessed "$1" | sed -E "s/[0-9a-f]{8,64}/H/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/D/g; s/[0-9]{2}:[0-9]{2}(:[0-9]{2})?/T/g
		s/[0-9]+(\.[0-9]+)? (ms|s|B|KiB|MiB|GiB)/N \2/g; s/  +/ /g; $settled_more"
}

# try_page NAME PAGE DIR: tells whether it is as it says, having worked in DIR. Called in tests/.
try_page() {
	[ -d "$3/keys" ] || (cp -R ../docs/example "$3/keys" && orch -C "$3/keys" pki init >/dev/null)
	[ ! -e "$3/gateway" ] || chmod -R u+rwX "$3/gateway"
	rm -rf "$3/gateway"
	cp -R ../docs/example "$3/gateway"
	cp -R "$3/keys/pki" "$3/gateway/"
	(cd "$3/gateway" && page "$OLDPWD/$2") >"$3/got"
	settled "$2" >"$3/page"
	settled "$3/got" >"$3/settled"
	if [ -n "${UPDATE:-}" ] && ! cmp -s "$3/page" "$3/settled"; then cp "$3/got" "$2"; fi
	if diff -u "$3/page" "$3/settled"; then echo "ok $1"; else echo "not ok $1"; fi
}
