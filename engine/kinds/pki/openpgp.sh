#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What gpg does for package repositories; run by /bin/sh -e in a directory that it may write to (openpgp.c).
#	list                writes the keys of the file 'keyring' to 'keyring.gpg', and what they are to 'keys'
#	sign SECONDS        signs 'Release' with the private key on stdin, as of then
# What went wrong is in 'why'.

fail() {
	printf '%s\n' "$*" >why
	exit 1
}

# gpg HOME ARGUMENT...: it reads nobody's settings, and asks nobody.
pgp() {
	home=$1
	shift
	gpg --homedir "$home" --batch --no-tty --quiet --no-options --trust-model always "$@"
}

begin() {
	top=$(mktemp -d /tmp/orch.XXXXXX)
	trap 'gpgconf --homedir "$top/private" --kill all 2>/dev/null || :; rm -rf "$top"' EXIT
	mkdir -m 700 "$top/private" "$top/public"
}

list() {
	pgp "$top/public" --list-packets <keyring >packets || fail unreadable
	! grep -q '^:secret ' packets || fail private
	pgp "$top/public" --import <keyring || fail unreadable
	pgp "$top/public" --list-keys --with-colons >keys
	pgp "$top/public" --export >keyring.gpg
}

# verified FILE...: whether somebody who trusts the keyring alone takes it.
verified() {
	pgp "$top/public" --status-fd 3 --verify "$@" 3>status || fail foreign
	grep -q '^\[GNUPG:\] VALIDSIG ' status || fail foreign
}

# The agent is there before gpg asks for it: gpg waits for one that it starts five seconds and no more.
sign() {
	gpg-agent --homedir "$top/private" --quiet --daemon >/dev/null || fail no-agent
	pgp "$top/private" --import || fail no-key
	pgp "$top/public" --import <keyring.gpg
	key=$(pgp "$top/private" --list-secret-keys --with-colons | sed -n 's/^fpr:*\([0-9A-F]*\):.*/\1/p' | head -n 1)
	pgp "$top/public" --list-keys "$key" >/dev/null || fail foreign
	as_of="--faked-system-time $1! --digest-algo SHA512 --pinentry-mode loopback --no-emit-version --no-comments"
	# shellcheck disable=SC2086 # several options
	pgp "$top/private" $as_of --passphrase '' -u "$key" --clearsign -o InRelease Release || fail no-signature
	# shellcheck disable=SC2086
	pgp "$top/private" $as_of --passphrase '' -u "$key" --armor --detach-sign -o Release.gpg Release || fail no-signature
	verified InRelease
	verified Release.gpg Release
}

begin
"$@"
