# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares orch's bills of materials with dpkg's database, with those of debsbom for the same root, and
with what other programs read of them:  sbom-others.py DIR
DIR has root.spdx.json, root.cdx.json (orch), deb.spdx.json, deb.cdx.json (debsbom), dpkg (lines of
dpkg-query: PACKAGE VERSION ARCH SOURCE SOURCE-VERSION), scan.spdx, scan.cdx (debsbom's scanner),
found.spdx, found.cdx (orch query vulnerable). Tells a result a line."""
import json, re, sys

FAILED = []
DIR = sys.argv[1]


def load(name):
    with open(f"{DIR}/{name}", encoding="utf-8") as f:
        return json.load(f)


def same(name, ours, theirs):
    """Both are sets; what only one has is told."""
    if ours == theirs:
        print(f"ok {name}: {len(ours)}")
        return
    for what, items in ("only orch", ours - theirs), ("only the other", theirs - ours):
        for item in sorted(map(str, items))[:10]:
            print(f"  {what}: {item}")
    print(f"not ok {name}")
    FAILED.append(name)


def plain(purl):
    """debsbom has no release of Debian in its package URLs."""
    return re.sub(r"&distro=[^&]*", "", purl)


def is_source(purl):
    return "arch=source" in purl


def spdx_ids(doc):
    return {p["SPDXID"]: plain(r["referenceLocator"]) for p in doc["packages"]
            for r in p.get("externalRefs", []) if r["referenceType"] == "purl"}


def spdx_relations(doc, kind):
    ids = spdx_ids(doc)
    return {(ids[r["spdxElementId"]], ids[r["relatedSpdxElement"]]) for r in doc["relationships"]
            if r["relationshipType"] == kind and r["spdxElementId"] in ids and r["relatedSpdxElement"] in ids}


def cdx_relations(doc):
    refs = {c["bom-ref"]: plain(c["purl"]) for c in doc["components"] if "purl" in c}
    return {(refs[d["ref"]], refs[on]) for d in doc["dependencies"] if d["ref"] in refs
            for on in d.get("dependsOn", []) if on in refs}


def row(purl, sources):
    name, version, arch = re.match(r"pkg:deb/debian/([^@]*)@([^?]*)\?arch=(.*)", purl).groups()
    source = re.match(r"pkg:deb/debian/([^@]*)@([^?]*)", sources[purl])
    return tuple(re.sub("%2B", "+", w, flags=re.I) for w in (name, version, arch, *source.groups()))


def database():
    with open(f"{DIR}/dpkg", encoding="utf-8") as f:
        return {tuple(line.split()) for line in f}


def findings(name):
    """(source package, vulnerability) of a scanner's lines of JSON."""
    with open(f"{DIR}/{name}", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return {(re.match(r"[^@]*", r["package"]).group(), r["vulnerability"]["id"]) for r in rows}


def found(name):
    return {(r["source"], r["id"]) for r in load(name)["found"]}


def main():
    spdx, cdx, deb_spdx, deb_cdx = (load(n) for n in ("root.spdx.json", "root.cdx.json", "deb.spdx.json", "deb.cdx.json"))
    ours = set(spdx_ids(spdx).values())
    ours_cdx = {plain(c["purl"]) for c in cdx["components"] if "purl" in c}
    own = {}
    for r in spdx["relationships"]:  # a package's first is its own
        if r["relationshipType"] == "GENERATED_FROM" and r["spdxElementId"].startswith("SPDXRef-Package-"):
            own.setdefault(spdx_ids(spdx)[r["spdxElementId"]], spdx_ids(spdx)[r["relatedSpdxElement"]])
    same("dpkg's packages, versions, architectures, sources", {row(p, own) for p in ours if not is_source(p)}, database())
    same("debsbom's package URLs, SPDX", ours, set(spdx_ids(deb_spdx).values()))
    same("debsbom's package URLs, CycloneDX", ours_cdx, {plain(c["purl"]) for c in deb_cdx["components"] if "purl" in c})
    built = {(b, s) for s, b in spdx_relations(deb_spdx, "GENERATES")} | spdx_relations(deb_spdx, "GENERATED_FROM")
    same("debsbom's sources of packages", spdx_relations(spdx, "GENERATED_FROM"), built)
    # it looks at Depends alone, and not for what packages provide
    needs, deb_needs = spdx_relations(spdx, "DEPENDS_ON"), spdx_relations(deb_spdx, "DEPENDS_ON")
    same(f"debsbom's dependencies are among the {len(needs)}", deb_needs & needs, deb_needs)
    same("both documents have the same relations", cdx_relations(cdx), needs | spdx_relations(spdx, "GENERATED_FROM"))
    for kind in "spdx", "cdx":
        same(f"a scanner finds the same in {kind}", found(f"found.{kind}"), findings(f"scan.{kind}"))
        same(f"something was to be found in {kind}", {"apt", "util-linux"} & {s for s, _ in found(f"found.{kind}")},
             {"apt", "util-linux"})
    parse(spdx["packages"], cdx["components"])


def parse(packages, components):
    """lib4sbom knows a component of CycloneDX by name and version, and files as files."""
    from lib4sbom.parser import SBOMParser
    theirs = {}
    for name in "root.spdx.json", "root.cdx.json":
        parser = SBOMParser()
        parser.parse_file(f"{DIR}/{name}")
        theirs[name] = {(p["name"], p.get("version")) for p in parser.get_packages()}
    same("lib4sbom reads SPDX", {(p["name"], p.get("versionInfo")) for p in packages}, theirs["root.spdx.json"])
    want = {(c["name"], c["version"]) for c in components if "purl" in c}
    same("lib4sbom reads CycloneDX", want, theirs["root.cdx.json"] & want)


def validate():
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    with open(f"{DIR}/root.cdx.json", encoding="utf-8") as f:
        bad = JsonStrictValidator(SchemaVersion.V1_6).validate_str(f.read())
    same("valid under the strict schema of CycloneDX 1.6", {str(bad)}, {"None"})


main()
validate()
sys.exit(bool(FAILED))
