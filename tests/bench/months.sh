# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For tests/bench/run.sh: a year of a device's root, what each update of it costs adaptively, and how much
# xdelta3 makes of it. The packages are real: of the suites of today, as the archive has no older states.
# Of what a month takes from a suite, the rest follows, as far as it needs it; its lock has the digests.

# WHAT|ARCHIVES|WORD...: +NAME/SUITE and +NAME come or change, -NAME goes
months='security: libzstd, shadow, krb5|debian, security|+libzstd1/trixie-security +passwd/trixie-security +login.defs/trixie-security +libkrb5-3/trixie-security
seven programs more|debian, security|+htop +tcpdump +rsync +strace +lsof +nano +i2c-tools
backports: OpenSSH, curl|debian, security, backports|+openssh-server/trixie-backports +openssh-client/trixie-backports +openssh-sftp-server/trixie-backports +curl/trixie-backports +libcurl4t64/trixie-backports +libcurl3t64-gnutls/trixie-backports
testing: time zones, certificates|debian, security, backports, testing|+tzdata/testing +ca-certificates/testing
testing: the C library, small ones|debian, security, backports, testing|+libc6/testing +libc-bin/testing +libgcc-s1/testing +libstdc++6/testing +zlib1g/testing +liblzma5/testing +libcap2/testing +libacl1/testing +libattr1/testing +libgmp10/testing
security: the kernel|debian, security, backports, testing|+linux-image-amd64/trixie-security
testing: systemd|debian, security, backports, testing|+systemd/testing +systemd-sysv/testing +udev/testing +systemd-resolved/testing +systemd-timesyncd/testing +systemd-repart/testing +libsystemd0/testing +libudev1/testing
testing: OpenSSL, GnuTLS|debian, security, backports, testing|+libssl3t64/testing +openssl/testing +libgnutls30t64/testing +libnettle8t64/testing +libp11-kit0/testing +libtasn1-6/testing
without git, vim, modems|debian, security, backports, testing|-git -vim-tiny -modemmanager
testing: Python, SQLite|debian, security, backports, testing|+python3/testing +sqlite3/testing +libsqlite3-0/testing +libffi8/testing +libexpat1/testing
testing: radios, network|debian, security, backports, testing|+bluez/testing +avahi-daemon/testing +wpasupplicant/testing +nftables/testing +iproute2/testing
testing: one package|debian, security, backports, testing|+nano/testing'

in_months() { "$orch" -C "$work/months" --store "${STORES:-$work/stores}/months" "$@"; }

make_months() {
	mkdir -p "$work/months/recipes" "${STORES:-$work/stores}"
	cat >"$work/months/recipes/project.yaml" <<-'END'
		schema: 1
		name: months
		version: "1"
		archives:
		  debian: {suites: [trixie, trixie-updates], components: [main]}
		  security: {suites: [trixie-security], components: [main]}
		  backports: {suites: [trixie-backports], components: [main]}
		  testing: {suites: [testing], components: [main], valid-until: ignore}
	END
	cat >"$work/months/recipes/root.yaml" <<-'END'
		kind: image
		filesystem: ext4
		size: 768M
		contents: [{unpack: base}]
		remove: [/usr/share/doc/*/changelog*, /usr/share/info, /usr/share/lintian, /usr/share/locale/*, /usr/share/man]
	END
	printf '%s\n' systemd-sysv udev dbus e2fsprogs systemd-resolved systemd-timesyncd systemd-repart iproute2 \
		ca-certificates openssh-server rauc rauc-service libubootenv-tool netbase fdisk linux-image-amd64 curl \
		python3 nftables wpasupplicant bluez modemmanager avahi-daemon sqlite3 git vim-tiny >"$work/months/packages"
	month_recipe debian
}

month_recipe() { # ARCHIVES [WORD...]
	local word archives=$1
	shift
	for word; do
		sed -i "\,^$(name=${word#?} && echo "${name%%/*}")\(/.*\)\?\$,d" "$work/months/packages"
		[ "${word#+}" = "$word" ] || echo "${word#+}" >>"$work/months/packages"
	done
	{
		printf 'kind: debian\narch: amd64\narchives: [%s]\npackages:\n' "$archives"
		sed 's/^/  - /' "$work/months/packages"
	} >"$work/months/recipes/base.yaml"
}

# The image of the state that the recipe tells, as FILE; what its packages are in FILE.packages. What the
# store has of earlier months goes.
month_image() { # FILE
	in_months lock base && in_months build root --progress quiet && mv "$work/months/out/root/root.img" "$1" &&
		rm -rf "$work/months/out" && in_months store gc --size 3G &&
		sed -n 's/^package [^ ]* \([^ ]*\) \([^ ]*\) .*/\1 \2/p' "$work/months/recipes/base.lock" | sort >"$1.packages" &&
		in_months log root | sed -n 's/^.*root: \(.* pieces\).*/\1/p' >"$1.pieces"
}

# "5 other, 1 more, 2 less": packages
months_moved() { # BEFORE NOW
	join -a 1 -a 2 -e - -o 1.2,2.2 "$1" "$2" |
		awk '$1 == "-" { more++; next } $2 == "-" { less++; next } $1 != $2 { other++ }
			END { print other + 0 " / " more + 0 " / " less + 0 }'
}

bench_months() {
	local d=$work/months i=0 what archives words row before=- rows
	command -v xdelta3 >/dev/null || { [ "$(id -u)" = 0 ] && apt-get install -y xdelta3 >/dev/null; } ||
		{ missed "a year of updates" "no xdelta3 (package xdelta3)" && return; }
	make_months
	rows=$d/rows
	if ! month_image "$d/0.img" >"$work/log" 2>&1; then
		tail -n 20 "$work/log" >&2
		missed "a year of updates" "it fails"
		return
	fi
	echo "| month | packages other / more / less | both one back: fetched | written | target two back: fetched | written | index | xdelta3 -9 | chunks | parts |"
	echo "|---|---|---|---|---|---|---|---|---|---|"
	while IFS='|' read -r what archives words; do
		i=$((i + 1))
		# shellcheck disable=SC2086 # words
		month_recipe "$archives" $words
		if ! month_image "$d/$i.img" >"$work/log" 2>&1 ||
			! row=$(python3 tests/bench/delta.py --month \
				"$before" "$d/$((i - 1)).img" "$d/$i.img"); then
			tail -n 20 "$work/log" >&2
			missed "month $i: $what" "it fails"
			return
		fi
		echo "| $what | $(months_moved "$d/$((i - 1)).img.packages" "$d/$i.img.packages") | $row |" | tee -a "$rows"
		[ "$before" = - ] || rm "$before"
		before=$d/$((i - 1)).img
	done <<<"$months"
	python3 tests/bench/delta.py --mean <"$rows"
	echo "first: $(cat "$d/0.img.pieces"); last: $(cat "$d/$i.img.pieces")"
}
