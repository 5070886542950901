#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# root
# debian/: the source package makes packages, twice and in two directories the same, of which lintian says
# nothing; in a fresh Debian 12, where nothing of the tree is, they do what debian/tests/smoke asks.
. tests/e2e/lib.sh
root() { ${AS_ROOT:-} "$@"; }
# shellcheck disable=SC2317 # called by name
user() { ${AS_USER:-} "$@"; }

for program in dh lintian mmdebstrap; do
	command -v $program >/dev/null || { skip "package: install debhelper, lintian and mmdebstrap"; exit 0; }
done
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
arch=$(dpkg --print-architecture)
tree=$PWD
chmod 755 "$scratch"
trap 'root rm -rf "$scratch"' EXIT
mkdir -p "$scratch/one" "$scratch/two/another-name"
for place in "$scratch/one/orch" "$scratch/two/another-name/tree"; do
	mkdir "$place"
	(cd "$tree" && tar -c --exclude='./_*' --exclude=./pki/private .) | tar -C "$place" -x
done
[ -z "${AS_USER:-}" ] || chown -R "$(user id -u):$(user id -g)" "$scratch"
build() { (cd "$1" && shift && user dpkg-buildpackage -us -uc "$@"); }
check "a source package, and packages" build "$scratch/one/orch"
check "again, elsewhere" build "$scratch/two/another-name/tree" -b
for deb in "orch_${version}_$arch" "orch-doc_${version}_all"; do
	check "$deb, the same bytes" cmp "$scratch/one/$deb.deb" "$scratch/two/another-name/$deb.deb"
done
check "nothing for lintian" user lintian --fail-on error,warning --suppress-tags bad-distribution-in-changes-file \
	"$scratch/one/orch_${version}_$arch.changes"

rm -rf "$scratch/one/orch" "$scratch/two"
sources=$(find /etc/apt -name '*.list' -o -name '*.sources' | head -n 1)
# shellcheck disable=SC2016 # mmdebstrap sets $1
fresh() {
	root env ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
		mmdebstrap --mode=root --variant=minbase --include=man-db,bash-completion --format=directory \
		--customize-hook="copy-in $scratch/one/orch_${version}_$arch.deb $tree/debian/tests/smoke /srv" \
		--customize-hook='chroot "$1" apt-get install -qq -y --no-install-recommends /srv/orch_'"${version}_$arch"'.deb' \
		--customize-hook='chroot "$1" useradd --create-home user' \
		bookworm "$scratch/fresh" "$sources"
}
check "installed in a fresh Debian 12" fresh
check "it works there" root unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" \
	setpriv --reuid=user --regid=user --clear-groups env -i PATH=/usr/bin:/bin HOME=/home/user sh /srv/smoke' \
	sh "$scratch/fresh"
finish
