#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a reviewer should not have to look for: format, shell mistakes, sizes, licence lines, names of
# other people's servers.
set -uo pipefail
shopt -s lastpipe # so that complain, the end of a pipe, can set bad
cd "$(dirname "$0")/.." || exit 1
bad=0

# complain TEXT: whatever stands on stdin is wrong.
complain() {
	local line
	while IFS= read -r line; do
		printf '%s: %s\n' "$1" "$line"
		bad=1
	done
}

mapfile -t sources < <(git ls-files 'engine/*.c' 'engine/*.h' 'tests/*.c' 'tests/*.h')
mapfile -t scripts < <(git ls-files dev .ci/run '*.sh')

clang-format --version >/dev/null || echo "cannot run" | complain clang-format
printf '%s\0' "${sources[@]}" | xargs -0 -P 2 -n 40 clang-format --dry-run 2>&1 |
	sed -n 's/:[0-9]*:[0-9]*: warning: .*//p' | sort -u | complain "not formatted (./dev format)"

# Comments and messages are laid out by hand: what a formatter once did to them must not come back.
awk '
	FNR == 1 { comment = 0 }
	{
		start = index($0, "/*")
		text = comment ? $0 : start ? substr($0, start + 2) : ""
		if ((comment && /^[[:space:]]* \*[A-Za-z]/) || text ~ /\/ \*([^\/]|$)/)
			print FILENAME ":" FNR ": " $0
		rest = $0
		while (i = index(rest, comment ? "*/" : "/*")) {
			rest = substr(rest, i + 2)
			comment = !comment
		}
	}' "${sources[@]}" | complain "lines of a comment run together, or without a space after the star"
awk '
	length > 30 { # or it is not worth the trouble
		columns = 0
		parts = split($0, part, "\t")
		for (i = 1; i < parts; i++)
			columns = columns + length(part[i]) + 8 - (columns + length(part[i])) % 8
		if (columns + length(part[parts]) > 100)
			print FILENAME ":" FNR
	}' "${sources[@]}" | complain "over 100 columns"

# What is laid out by hand in docs (tables, code) may be wider; text may not.
awk 'FNR == 1 { code = 0 } /^ *```/ { code = !code }
	!code && length > 100 && !/^[|]/ && !/^ {4}/ { print FILENAME ":" FNR }' README.md ARCHITECTURE.md \
	HACKING.md docs/*.md | complain "over 100 columns"

shellcheck -x -e SC2016,SC2317 "${scripts[@]}" 2>&1 | complain shellcheck

wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 { print $2 " (" $1 ")" }' |
	complain "over 600 lines"

ctags -x --_xformat='%N %F %n %e' --kinds-C=f "${sources[@]}" 2>/dev/null |
	awk '$4 - $3 + 1 > 80 { print $2 ":" $3 " " $1 " (" $4 - $3 + 1 ")" }' |
	complain "function over 80 lines"

git ls-files '*.c' '*.h' '*.sh' '*/meson.build' meson.build meson_options.txt dev .ci/run 'recipes/*.yaml' |
	while read -r f; do
		mapfile -n 3 top <"$f"
		[[ ${top[*]} == *'SPDX-License-Identifier: GPL-3.0-or-later'* ]] || echo "$f"
	done | complain "no licence line"

for f in tests/e2e/*.sh; do
	name=${f##*/}
	case $name in lib.sh | users.sh | *-lib.sh) continue ;; esac # what tests share
	grep -q "^	'${name%.sh}': [0-9]*,$" tests/meson.build || echo "$f"
done | complain "without a row in tests/meson.build"

# Archives are named by alias in a project; where they are is configuration. Some names of formats are
# written as addresses that nobody opens.
git grep -n -I -E 'https?://[a-z0-9.-]+' -- engine recipes rootfs custom_build tests dev .ci |
	grep -v -E 'https?://([^/@ ]+@)?([a-z0-9-]+\.)*(example|invalid|test|localhost|127\.0\.0\.1|10\.0\.2\.2|in-toto\.io/Statement/v1|in-toto\.io/attestation/release|slsa\.dev/provenance/v1|www\.debian\.org/doc/packaging-manuals/copyright-format/1\.0/|json-schema\.org|www\.w3\.org/2000/svg)' |
	complain "names a server"

# The compiler refuses what engine/base/banned.h bans: see that it does, and that every file is asked.
for function in strcpy sprintf strtok mktemp popen system ctime; do
	printf 'int main(void) { %s(0, 0); }\n' $function |
		gcc -w -I engine -include base/banned.h -fsyntax-only -x c - 2>/dev/null && echo "$function"
done | complain "not banned"
grep -q -F -e "'-include', 'base/banned.h'" meson.build || echo meson.build | complain "bans nothing"
# A test must be able to fail: 'set -e' overlooks a command after '!', and so does whatever comes next; and
# what fails since its file or program is missing is not what 'sh -c "! ..."' looks for.
git grep -n -E "^[[:space:]]*! [^|&]*[^|&;\\{]$|(ba)?sh -[a-z]*c [\"']! " -- dev .ci/run '*.sh' ':!tests/lint.sh' |
	grep -v -E '; (then|do)$' | complain "cannot fail"
# In which order a kernel finds disks, it does not promise: they are named by label or serial number.
git grep -n -E '/dev/(sd|vd|xvd|nvme)[a-z0-9]' -- 'engine/*.c' tests/e2e tests/overlays recipes |
	complain "a disk by its place"
# The programs that ship are hardened. Stack clash protection leaves no mark for readelf.
for program in _build/engine/cli/orch _build/engine/cli/orch-worker; do
	elf=$(readelf --wide --dynamic --program-headers --dyn-syms "$program" 2>&1)
	while read -r mark what; do
		grep -q -E -e "$mark" <<<"$elf" || echo "$what"
	done <<'EOF' | complain "$program has no"
GNU_RELRO read-only relocations
FLAGS_1.*\bNOW\b immediate binding
FLAGS_1.*\bPIE\b position independent code
GNU_STACK.*\bRW\b stack that is not executable
__stack_chk_fail stack protector
_chk(@|$) fortified functions
EOF
done
# What makes outputs is the worker's: orch starts fast, and foreign bytes meet these libraries there alone.
orch=_build/engine/cli/orch
readelf --wide --dynamic "$orch" 2>&1 | grep -E 'NEEDED.*lib(curl|archive|guestfs|ext2fs|com_err|fdisk|nghttp2|protobuf-c|ssl|zstd|sqlite3)' |
	complain "$orch is linked with"
grep -q -e -fstack-clash-protection _build/compile_commands.json || echo "$orch" |
	complain "compiled without stack clash protection"
git grep -n -w -E 'TODO|FIXME|XXX' -- engine dev recipes | complain "left open"
# Codes of errors: E_NOT_LOCKED is "not-locked", has a paragraph and a site, shares its name with no rule
# of check, and docs show none that is not there.
codes=$(sed -n -E 's/^CODE\((E_[A-Z_]+), "([a-z-]+)", ERR_[A-Z]+,$/\1 \2/p' engine/base/codes/*.def)
[ "$(wc -l <<<"$codes")" = "$(cat engine/base/codes/*.def | grep -c '^CODE(')" ] || echo "a row of another form" |
	complain engine/base/codes
used=$(git grep -h -o -w -E 'E_[A-Z_]+' -- 'engine/*.c' | sort -u)
while read -r id name; do
	[ "$id" = "E_$(tr a-z- A-Z_ <<<"$name")" ] || echo "$id is called '$name'"
	grep -q -x "$id" <<<"$used" || echo "$id has no site"
done <<<"$codes" | complain engine/base/codes
names=$({ awk '{ print $2 }' <<<"$codes"; sed -n -E 's/^\tRULE\(CHECK_[A-Z_]+, "([a-z-]+)",.*/\1/p' engine/check/rules.c; })
sort <<<"$names" | uniq -d | complain "two codes of one name"
git grep -h -o -E '\[[a-z]+(-[a-z]+)+\]$|orch explain [a-z-]+' -- README.md HACKING.md 'docs/*.md' |
	sed 's/.*[[ ]//; s/\]//' | sort -u | grep -v -x -F "$names" | complain "no code, and docs show it"
# The glossary of HACKING.md. Manifests have a word of their own, which is in keys.
git grep -n -w -i -E '(sub)?folders?|anew|in front of|at hand|umount it|initial file system' -- \
	engine dev docs README.md ARCHITECTURE.md recipes/'*.yaml' ':!engine/graph/manifest*.[ch]' ':!engine/graph/why.c' |
	grep -v -w wait: | complain "see the glossary of HACKING.md"
git grep -n -E '"[^"]*(^|[^e]) is no (unit|number|disk|class|directory|file|image|tree|node|key)\>' -- engine |
	complain "see the glossary of HACKING.md"
exit $bad
