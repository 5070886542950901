# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts that make archives of their own, after lib.sh:  . tests/e2e/archive-lib.sh
# Keys are in $GNUPGHOME. All of it may be called by check.
# shellcheck disable=SC2317

# key USER: makes a key to sign with.
key() {
	[ -d "$GNUPGHOME" ] || mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase '' --quick-gen-key "$1" rsa2048 sign never
}

# new_deb NAME VERSION: begins a package in $deb, with a file that says its version.
new_deb() {
	deb=$scratch/deb
	rm -rf "$deb"
	mkdir -p "$deb/DEBIAN" "$deb/usr/share/$1"
	echo "$2" >"$deb/usr/share/$1/version"
}
# dpkg_programs: what dpkg is and calls, of this machine, in $deb: the package without which no tree is one.
dpkg_programs() {
	mkdir -p "$deb/usr/bin" "$deb/usr/lib" "$deb/usr/sbin" "$deb/var/lib/dpkg" "$deb/tmp" "$deb/etc"
	for link in bin lib sbin; do ln -s usr/$link "$deb/$link"; done
	ln -s usr/lib "$deb/lib64"
	for program in sh dpkg dpkg-deb dpkg-split dpkg-query tar rm cat chmod diff start-stop-daemon ldconfig; do
		file=$(readlink -f "$(command -v $program)")
		cp "$file" "$deb/usr/bin/$program"
		ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$deb/usr/lib/$(dirname "${library#*lib*/}")"
			cp -L "$library" "$deb/usr/lib/${library#*lib*/}"
		done
	done
}
# pack POOL NAME VERSION [LINE...]: makes a package of what is in $deb; LINEs are more of its control file.
pack() {
	pack_to=$1/$2_${3#*:}_all.deb
	mkdir -p "$1"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nInstalled-Size: 7\n' \
		"$2" "$3" >"$deb/DEBIAN/control"
	shift 3
	[ $# = 0 ] || printf '%s\n' "$@" >>"$deb/DEBIAN/control"
	echo 'Description: test' >>"$deb/DEBIAN/control"
	dpkg-deb --root-owner-group -Zgzip -z1 -b "$deb" "$pack_to" >/dev/null
}

# sign_suite SUITE [LINE...]: describes the lists in the current directory, which is that of the suite, and
# signs that: $signer does, or whose key is the only one; nobody. LINEs are more of the description. $day: when.
sign_suite() {
	sign_name=$1
	shift
	rm -f Release InRelease
	{
		printf 'Origin: own\nSuite: %s\nCodename: %s\nDate: %s\n' "$sign_name" "$sign_name" \
			"$(LC_ALL=C date -Ru ${day:+-d "$day"})"
		printf 'Architectures: amd64 arm64 all\nComponents: main\n'
		[ $# = 0 ] || printf '%s\n' "$@"
		echo SHA256:
		find . -name Packages -o -name Sources | sed 's|^\./||' | while read -r f; do
			printf ' %s %s %s\n' "$(sha256sum <"$f" | cut -d' ' -f1)" "$(stat -c %s "$f")" "$f"
		done
	} >"$scratch/Release"
	mv "$scratch/Release" .
	[ "${signer:-}" = nobody ] || gpg --batch --yes --quiet ${signer:+-u "$signer"} --clearsign -o InRelease Release
}
# list_suite ARCHIVE SUITE DIRECTORY...: makes the lists of what these directories below ARCHIVE hold, for all
# architectures, and signs them. $only (it may be unset): names of the packages' files that are listed, no others.
list_suite() {
	(
		cd "$1" || exit 1
		list_name=$2
		shift 2
		rm -rf "dists/$list_name"
		mkdir -p "dists/$list_name/main/binary-amd64" "dists/$list_name/main/binary-arm64" "dists/$list_name/main/source"
		cd "dists/$list_name/main" || exit 1
		: >source/Sources
		for d; do
			(cd ../../.. && dpkg-scanpackages -m "$d" 2>/dev/null) | awk -v all="${only-*}" '
				BEGIN { RS = ""; ORS = "\n\n" }
				match($0, /Filename: [^\n]*/) { file = substr($0, RSTART, RLENGTH); sub(".*/", "", file) }
				all == "*" || index(" " all " ", " " file " ")' >>binary-amd64/Packages
			(cd ../../.. && dpkg-scansources "$d" 2>/dev/null) >>source/Sources
		done
		cp binary-amd64/Packages binary-arm64/
		cd ..
		sign_suite "$list_name"
	)
}
# publish USER: lists and signs what the pool of the archive in $archive holds, as suite 'own'.
publish() {
	(
		signer=$1
		list_suite "${archive:?}" own pool
	)
}
