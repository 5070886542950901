# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For tests/bench/run.sh: questions about what has shipped.

# --- a package in 50 bills of materials of a device's size (700 packages, 670 kB), against grep for its name
make_query() {
	mkdir -p "$work/query"
	python3 - "$work/query" <<-'END'
		import json, os, sys
		packages, relations = [], []
		def add(spdxid, name, version, arch):
		    packages.append({"SPDXID": spdxid, "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
		        "licenseConcluded": "NOASSERTION", "licenseDeclared": "GPL-2.0-or-later", "copyrightText": "NOASSERTION",
		        "versionInfo": version, "checksums": [{"algorithm": "SHA256", "checksumValue": "0" * 64}],
		        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
		            "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={arch}&distro=trixie"}]})
		for i in range(350):
		    name = "openssl" if i == 100 else f"package-{i}"
		    add(f"SPDXRef-Package-{i}", name, f"1.{i}-1", "arm64")
		    add(f"SPDXRef-Source-{i}", name, f"1.{i}-1", "source")
		    relations.append({"spdxElementId": f"SPDXRef-Package-{i}", "relationshipType": "GENERATED_FROM",
		        "relatedSpdxElement": f"SPDXRef-Source-{i}"})
		text = "Permission is hereby granted,\nfree of charge, to any person\n" * 60
		doc = {"spdxVersion": "SPDX-2.3", "name": "bench", "packages": packages, "relationships": relations,
		    "hasExtractedLicensingInfos": [{"licenseId": f"L{i}", "extractedText": text} for i in range(60)]}
		for i in range(50):
		    doc["name"] = f"bench-{i}"
		    os.mkdir(f"{sys.argv[1]}/{i}")
		    with open(f"{sys.argv[1]}/{i}/bundle.spdx.json", "w") as f:
		        json.dump(doc, f, indent=2)
	END
	echo '{"openssl": {"CVE-1": {"releases": {"trixie": {"status": "resolved", "fixed_version": "9"}}}}}' >"$work/tracker.json"
}

bench_query() {
	make_query
	cd "$work/query" || exit # outside of any project
	# shellcheck disable=SC2317
	ours() { for _ in 1 2 3 4 5 6 7 8 9 10; do "$orch" query contains openssl "$work/query"; done; }
	# shellcheck disable=SC2317
	theirs() { for _ in 1 2 3 4 5 6 7 8 9 10; do grep -r openssl "$work/query"; done; }
	compare "a package in 50 releases, 10 times" 7 ours grep theirs
	# shellcheck disable=SC2317
	ours() { for _ in 1 2 3 4 5 6 7 8 9 10; do "$orch" query vulnerable "$work/tracker.json" "$work/query"; done; }
	compare "a vulnerability in 50 releases, 10 times" 7 ours grep theirs
	cd "$top" || exit
}

# --- two images of a gigabyte with 300 MB of files, of which one differs, against reading both once
make_diff() {
	mkdir -p "$work/diff/tree"
	tar -C / -c usr/include usr/lib/gcc usr/share/doc usr/share/perl 2>/dev/null |
		tar -C "$work/diff/tree" -x --no-same-owner
	mke2fs -q -t ext4 -d "$work/diff/tree" "$work/diff/before.img" 1G >/dev/null 2>&1
	echo edited >"$work/diff/tree/usr/include/edited.h"
	mke2fs -q -t ext4 -d "$work/diff/tree" "$work/diff/after.img" 1G >/dev/null 2>&1
}

bench_diff() {
	make_diff
	# shellcheck disable=SC2317
	ours() { "$orch" --store "$work/store" diff "$work/diff/before.img" "$work/diff/after.img"; }
	# shellcheck disable=SC2317
	theirs() { sha256sum "$work/diff/before.img" "$work/diff/after.img"; }
	compare "what differs in two images of 1 GiB" 3 ours "sha256sum of both" theirs
}
