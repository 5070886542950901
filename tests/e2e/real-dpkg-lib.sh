# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Trees by orch against trees by dpkg and apt as root:  . tests/e2e/real-dpkg-lib.sh; compare PART
#
# What is installed: the lines of real-dpkg.packages that begin with PART, each a tree of its own. What
# dpkg leaves is made by mmdebstrap, which is another program with another order: essential packages by
# dpkg, the rest by apt; from the .debs that orch has locked, in a chroot that belongs to root, without
# network, with the same environment and policy-rc.d. real-dpkg.py compares, real-dpkg.exceptions says
# what may differ.
#
# Run as root, with $AS_USER, what it takes to become an ordinary user; or as such a user with $AS_ROOT.
. tests/e2e/lib.sh
here=$PWD
p=$scratch/p
store=${ORCH_STORE:-$HOME/.cache/orch}
limit=2G # of a store of our own, between trees
# shellcheck disable=SC2086
root() { ${AS_ROOT:-} "$@"; }
# shellcheck disable=SC2086,SC2317
user() { ${AS_USER:-} "$@"; }
trap 'root rm -rf "$scratch"' EXIT

# Whether the store has the packages that the lock of NODE pins: one that keeps a size may have let
# them go and kept the tree.
has_packages() { # NODE
	while read -r type _ _ _ _ _ _ sha _; do
		case $type in package | tool) [ -e "$store/downloads/$sha" ] || return 1 ;; esac
	done <"$p/recipes/$1.lock"
}

# The archive that apt gets: what the lock of NODE pins, and nothing else.
# shellcheck disable=SC2317 # called by check
pinned() { # NODE
	rm -rf "$scratch/archive"
	mkdir -p "$scratch/archive/pool"
	while read -r type _ _ _ _ path _ sha _; do
		[ "$type" != package ] || ln "$store/downloads/$sha" "$scratch/archive/pool/${path##*/}" 2>/dev/null ||
			cp "$store/downloads/$sha" "$scratch/archive/pool/${path##*/}" || return 1
	done <"$p/recipes/$1.lock"
	(
		cd "$scratch/archive" || exit 1
		dpkg-scanpackages -m pool >Packages 2>/dev/null
		{
			printf 'Origin: pinned\nSuite: trixie\nCodename: trixie\nDate: %s\n' "$(LC_ALL=C date -Ru)"
			printf 'Architectures: amd64 arm64 all\nSHA256:\n'
			printf ' %s %s Packages\n' "$(sha256sum <Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
		} >Release
	)
}

# The emulator that NODE's lock pins.
emulator() { # NODE
	read -r _ _ _ _ _ _ _ sha _ <<-END
		$(grep '^tool [^ ]* qemu-user ' "$p/recipes/$1.lock")
	END
	dpkg-deb --fsys-tarfile "$store/downloads/$sha" | tar -xO ./usr/bin/qemu-aarch64 >"$scratch/qemu-aarch64"
	chmod 755 "$scratch/qemu-aarch64"
}

# shellcheck disable=SC2317 # called by check
real() { # NODE ARCH
	as=
	if [ "$2" != "$(dpkg --print-architecture)" ]; then
		emulator "$1" || return 1
		as="sh $here/tests/e2e/real-dpkg-foreign-lib.sh $scratch/qemu-aarch64"
	fi
	names=$(sed -n 's/^package [^ ]* \([^ ]*\) .*/\1/p' "$p/recipes/$1.lock" | paste -sd,)
	epoch=$(sed -n 's/^date //p' "$p/recipes/$1.lock")
	# shellcheck disable=SC2086
	root $as env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC TMPDIR="$scratch" \
		DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true DEBCONF_NOWARNINGS=yes \
		INITRD=No SYSTEMD_OFFLINE=1 PERL_HASH_SEED=0 PYTHONHASHSEED=0 SOURCE_DATE_EPOCH="$epoch" \
		unshare --uts --net --mount sh -c 'hostname localhost && ip link set lo up && exec "$@"' sh \
		mmdebstrap --mode=root --variant=essential --architectures="$2" --include="$names" --format=directory \
		${as:+--skip=check/qemu} \
		--essential-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
		--customize-hook='rm -f "$1/etc/apt/sources.list" "$1/etc/fstab"' \
		trixie "$scratch/real" "deb [trusted=yes] copy://$scratch/archive ./"
}

# shellcheck disable=SC2317 # called by check
ours() { # NODE
	root mkdir "$scratch/ours" && root tar --xattrs --xattrs-include='*' --numeric-owner -xpf "$p/out/$1/root.tar" -C "$scratch/ours"
}

# An empty store. Twenty trees are more than a tester's own should have to hold.
own_store() {
	store=$scratch/store
	mkdir -p "$store"
	export ORCH_STORE="$store"
	[ "$(id -u)" != 0 ] || root chown "$(user id -u):$(user id -g)" "$store"
}

compare() { # PART
	chmod 755 "$scratch"
	mkdir -p "$p/recipes"
	[ "$1" = quick ] || own_store
	cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: real
version: "1"
default: []
archives:
  debian: {suites: [trixie, trixie-updates], components: [main]}
  debian-security: {suites: [trixie-security], components: [main]}
END
	sed -n "s/^$1 //p" "$here/tests/e2e/real-dpkg.packages" >"$scratch/batches"
	n=0
	while read -r arch names; do
		n=$((n + 1))
		printf 'kind: debian\narch: %s\npackages: [usr-is-merged, %s]\n' "$arch" "$(echo "$names" | sed 's/ /, /g')" >"$p/recipes/batch$n.yaml"
	done <"$scratch/batches"
	[ "$(id -u)" != 0 ] || root chown -R "$(user id -u):$(user id -g)" "$p"
	n=0
	while read -r arch names; do
		n=$((n + 1))
		echo "# $names"
		since=$(date +%s)
		check "batch $n: lock" user "$ORCH" -C "$p" lock "batch$n"
		check "batch $n: build" user "$ORCH" -C "$p" build "batch$n"
		if ! has_packages "batch$n"; then
			own_store
			check "batch $n: build with its packages" user "$ORCH" -C "$p" build "batch$n"
		fi
		check "batch $n: packages" pinned "batch$n"
		check "batch $n: real dpkg" real "batch$n" "$arch"
		check "batch $n: unpacked" ours "batch$n"
		if root python3 "$here/tests/e2e/real-dpkg.py" "$scratch/ours" "$scratch/real" \
			"$here/tests/e2e/real-dpkg.exceptions" "$since" >"$scratch/diff"; then
			ok "batch $n: $(tail -n 1 "$scratch/diff")"
		else
			head -n 60 "$scratch/diff" | cut -c 1-300 | sed 's/^/  /'
			not_ok "batch $n: $(tail -n 1 "$scratch/diff")"
		fi
		root rm -rf "$scratch/ours" "$scratch/real" "$p/out/batch$n"
		[ "$1" = quick ] || check "batch $n: room for the next" user "$ORCH" -C "$p" store gc --size $limit
	done <"$scratch/batches"
	[ "$n" -gt 0 ] || not_ok "there are packages for '$1'"
	finish
}
