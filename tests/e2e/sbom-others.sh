#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bills of materials as others see them: of a root file system of real packages, against dpkg's database and
# debsbom's documents for the same root; official validators, the minimum elements of NTIA, a parser, and a
# scanner with a list of vulnerabilities. The tools come from PyPI.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
install() {
	python3 -m venv "$scratch/venv" &&
		"$scratch/venv/bin/pip" install -q 'debsbom[cdx]==0.10.2' 'cyclonedx-python-lib[json-validation]==11.12.0' \
			spdx-tools==0.8.5 lib4sbom==0.10.4 ntia-conformance-checker==6.0.0
}
if ! install >"$scratch/venv.log" 2>&1; then
	tail -n 3 "$scratch/venv.log"
	skip "the tools cannot be installed here"
	exit 77
fi
bin=$scratch/venv/bin
p=$scratch/p
mkdir -p "$p/recipes" "$p/files/etc" "$p/src"
recipe() { cat >"$p/recipes/$1.yaml"; } # NAME, text on stdin
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: others
version: "1.2.0"
supplier: "Acme GmbH <security@acme.test>"
default: [root]
archives:
  debian: {suites: [trixie, trixie-updates], components: [main]}
END
printf 'kind: debian\npackages:\n  - apt\n  - netbase\n  - fdisk\n  - busybox-static\n' | recipe base
printf 'kind: run\nroot: host\ninputs: [src]\nrun: cat src/app >app\noutputs: [app]\n' | recipe app
printf 'kind: image\nfilesystem: ext4\nsize: 1G\ncontents: [{unpack: "base:root.tar"}, {copy: files, to: /}, {copy: "app:app", to: /usr/bin/}]\n' |
	recipe root
echo ours >"$p/files/etc/ours"
echo app >"$p/src/app"
cd "$p" || exit 1
code locked 0 "$orch" lock
code built 0 "$orch" build
[ "$failures" = 0 ] || finish

# --- the same root, once more without orch ---------------------------------------------------------------
mkdir "$scratch/fs" "$scratch/d"
check unpacked tar -xf "$("$orch" build base --json | jq -r '.nodes[] | select(.name == "base").outputs[0].path')" -C "$scratch/fs" \
	--no-same-owner --exclude='./dev/*' --exclude='dev/*'
# shellcheck disable=SC2016 # dpkg's own
dpkg-query --admindir="$scratch/fs/var/lib/dpkg" -W \
	-f '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n' >"$scratch/d/dpkg"
check debsbom "$bin/debsbom" generate -r "$scratch/fs" -o "$scratch/d/deb" --distro-arch "$(dpkg --print-architecture)" \
	--no-recommends-deps
code spdx 0 "$orch" sbom root --format spdx
cp "$scratch/out" "$scratch/d/root.spdx.json"
code cyclonedx 0 "$orch" sbom root --format cyclonedx
cp "$scratch/out" "$scratch/d/root.cdx.json"

# --- a list of vulnerabilities: of sources of packages, and of what is linked into one -------------------
linked=$(sed -n 's/^Static-Built-Using: \([^ ]*\) .*/\1/p' "$scratch/fs/var/lib/dpkg/status" | head -n 1)
check "something is linked into a program" [ -n "$linked" ]
open='"urgency": "high", "repositories": {}'
cat >"$scratch/d/tracker" <<END
{"$linked": {"CVE-2030-0001": {"description": "x", "releases": {"trixie": {"status": "open", $open}}}},
 "apt": {"CVE-2030-0002": {"description": "x", "releases": {"trixie": {"status": "resolved", "fixed_version": "99", $open}}},
         "CVE-2030-0003": {"description": "x", "releases": {"trixie": {"status": "resolved", "fixed_version": "1", $open}}}},
 "util-linux": {"CVE-2030-0004": {"description": "x", "releases": {"trixie": {"status": "open", $open}}}}}
END
for t in spdx cdx; do
	"$bin/debsbom" sec-scan -t $t --db "$scratch/d/tracker" -f json "$scratch/d/root.$t.json" >"$scratch/d/scan.$t" 2>"$scratch/scan.log" ||
		not_ok "debsbom scans $t"
	"$orch" query vulnerable "$scratch/d/tracker" "$scratch/d/root.$t.json" --json >"$scratch/d/found.$t" || not_ok "orch scans $t"
done

# --- compared ------------------------------------------------------------------------------------------------
cd "$OLDPWD" || exit 1
"$bin/python" tests/e2e/sbom-others.py "$scratch/d" || failures=$((failures + 1))
check "valid SPDX" "$bin/pyspdxtools" -i "$scratch/d/root.spdx.json"
check "the minimum elements of NTIA" "$bin/ntia-checker" "$scratch/d/root.spdx.json"
sed '/^supplier/d' -i "$p/recipes/project.yaml"
code nobody-answers 0 "$orch" -C "$p" sbom root --format spdx
cp "$scratch/out" "$scratch/nobody.spdx.json"
code "without a supplier they are not all there" 1 "$bin/ntia-checker" "$scratch/nobody.spdx.json"
check "and it is that alone" grep -q 'suppliers provided? *| False' "$scratch/out"
same "nothing else" 1 "$(grep -c '| False' "$scratch/out")"

# --- whose a file is --------------------------------------------------------------------------------------
code "owner of a program" 0 "$orch" -C "$p" query owner root /usr/bin/apt-get
check "by dpkg" grep -q "^  of package $(dpkg-query --admindir="$scratch/fs/var/lib/dpkg" -S /usr/bin/apt-get | cut -d: -f1) " "$scratch/out"
check "and by the recipe" grep -q 'recipes/base.yaml:3: package apt$' "$scratch/out"
code "owner of what another package needs" 0 "$orch" -C "$p" query owner root /usr/bin/sqv
check "is told by the way to it" grep -q 'recipes/base.yaml:3: package apt, which needs sqv$' "$scratch/out"
code "what the scripts of packages wrote" 0 "$orch" -C "$p" query owner root /etc/ld.so.cache --json
same "is of no package" 'scripts []' "$(jq -cr '.origin + " " + (.packages | tostring)' "$scratch/out")"
finish
