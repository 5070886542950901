# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# What tests of shared places have in common:  . tests/e2e/remote-lib.sh  after lib.sh
place=${ORCH_ASAN%/engine/cli/orch}/tests/place
run=$scratch/run
mkdir -p "$run"
trap 'tests/engines.sh stop "$run"; [ -z "${helpers:-}" ] || kill $helpers 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
helpers=

# engine NAME [WORD...]: starts it, or ends this script where it cannot be had.
engine() {
	engine_name=$1
	shift
	set -- "$engine_name" "$run" "$@"
	tests/engines.sh start "$@" && return
	[ $? = 77 ] || exit 1
	skip "$1 cannot be had"
	exit 77
}
port() { cat "$run/$1.port"; }

# at URL WORD...: asks the place; what it says is in $scratch/said, its exit code in $code.
at() {
	code=0
	"$place" "$@" >"$scratch/said" 2>"$scratch/counts" || code=$?
	! grep -qE 'Sanitizer|runtime error' "$scratch/counts" || cat "$scratch/counts"
}
# says NAME TEXT...: each stands in what the place said last.
says() {
	says_name=$1
	shift
	for says_text; do
		grep -qF -- "$says_text" "$scratch/said" && continue
		echo "  not said: $says_text"
		sed 's/^/  /' "$scratch/said" "$scratch/counts"
		not_ok "$says_name"
		return
	done
	ok "$says_name"
}
# ends NAME CODE: of the last.
ends() { same "$1" "$2" "$code"; }

# python3 FILE [ARG...] as a helper that says its port first, which is in $helper_port.
helper() {
	: >"$scratch/helper.out" # or the port of the one before is read
	python3 "$@" >"$scratch/helper.out" 2>>"$scratch/helper.err" &
	helpers="$helpers $!"
	for _ in $(seq 200); do
		[ ! -s "$scratch/helper.out" ] || break
		sleep 0.05
	done
	helper_port=$(cat "$scratch/helper.out")
}

# certificates: in $scratch/tls, of a CA and of servers 'good' (localhost, 127.0.0.1), 'expired', 'early',
# 'other' (another name), of another CA 'stranger', and of a client.
certificates() {
	tls=$scratch/tls
	mkdir -p "$tls/new"
	(
		cd "$tls" || exit 1
		cat >conf <<-'END'
			[ca]
			default_ca = here
			[here]
			database = index
			new_certs_dir = new
			rand_serial = yes
			default_md = sha256
			policy = names
			unique_subject = no
			copy_extensions = copy
			[names]
			commonName = supplied
			[req]
			distinguished_name = names
			[authority]
			basicConstraints = critical,CA:TRUE
			subjectKeyIdentifier = hash
		END
		: >index
		for ca in ca strangers; do
			openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -days 9 \
				-subj "/CN=Test $ca" -config conf -extensions authority
		done
		# NAME CA SAN START END
		while read -r name ca san start end; do
			openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" \
				-subj "/CN=$name" -addext "subjectAltName=$san"
			openssl ca -batch -config conf -cert "$ca.pem" -keyfile "$ca.key" -in "$name.csr" -out "$name.pem" -notext \
				-startdate "$start" -enddate "$end"
		done <<-END
			good ca DNS:localhost,IP:127.0.0.1 20200101000000Z 20400101000000Z
			expired ca DNS:localhost,IP:127.0.0.1 20200101000000Z 20210101000000Z
			early ca DNS:localhost,IP:127.0.0.1 20390101000000Z 20400101000000Z
			other ca DNS:elsewhere.example 20200101000000Z 20400101000000Z
			stranger strangers DNS:localhost,IP:127.0.0.1 20200101000000Z 20400101000000Z
			client ca DNS:client.example 20200101000000Z 20400101000000Z
		END
	) >"$scratch/openssl.log" 2>&1 || { cat "$scratch/openssl.log"; exit 1; }
}

# round URL NAME: everything that a good place does.
round() {
	at "$1" hello blobs 40 200000 1 missing put missing find a result a text find a blobs 1 0 0 missing put missing get blobs 0 1 1 get
	says "$2: an empty cache is filled" 'results may be read and written' 'missing 40 of 40' 'missing 0 of 40' 'a: none' \
		'stored a' 'a: found' 'missing 0 of 1' 'got 1 of 1' 'got 0 of 0'
	at "$1" blobs 40 200000 1 missing get take find a find b
	says "$2: a second reader finds all of it" 'missing 0 of 40' 'got 40 of 40' 'took 40 of 40, as they came' 'a: found' 'b: none'
}

# together URL NAME: results that are asked for at once, of some of which not even the manifest is there.
together() {
	at "$1" blobs 60 300 5 ask blobs 40 300 5 put ask results text ask blobs 60 300 5 ask
	says "$2: many results are asked for at once" 'found 0 of 60' 'found 0 of 40' 'found 40 of 40' 'found 40 of 60'
	at "$1" blobs 7 300 5 ask
	says "$2: and few" 'found 7 of 7'
}

# chaos ENGINE URL COUNT KILLS: COUNT blobs of half a MB up and down, while the server is killed.
chaos() {
	(
		for i in $(seq "$4"); do
			sleep "0.$((i * 37 % 10 + 2))"
			tests/engines.sh kill "$run" "$1"
			sleep 0.3
			tests/engines.sh start "$1" "$run"
		done
	) &
	killer=$!
	at "$2" hello blobs "$3" 500000 4 missing put missing get
	wait $killer
	says "$1, killed $4 times, loses nothing" "missing 0 of $3" "got $3 of $3"
}

# shares URL NAME: orch itself stores what it built there, and builds nothing with another store.
shares() {
	shared_url=$1
	shared=$scratch/shared.$(echo "$2" | tr -cd '[:lower:]')
	mkdir -p "$shared/recipes" "$shared/config/orch"
	printf 'schema: 1\nname: share\nversion: "1"\ndefault: [a, b]\n' >"$shared/recipes/project.yaml"
	head -c 3000000 /dev/urandom >"$shared/noise"
	printf 'kind: run\nshare: true\ninputs: [noise]\nrun: [cp noise a.bin]\noutputs: [a.bin]\n' >"$shared/recipes/a.yaml"
	printf 'kind: run\nshare: true\ninputs: ["a:a.bin"]\nrun: [sha256sum <a.bin >b.txt]\noutputs: [b.txt]\n' >"$shared/recipes/b.yaml"
	shared_word=$("$orch" cache key "$shared/ci.key")
	printf 'remote:\n  mode: write\n  sign: %s\n  trust: [%s]\n' "$shared/ci.key" "$shared_word" >"$shared/config/orch/config.yaml"
	here one build --remote-read
	here one cache push --json
	same "$2: orch pushes" '2 0' "$(jq -r '"\(.pushed) \(.left)"' "$scratch/here")"
	here two cache pull --json
	same "$2: another store pulls" '2 0' "$(jq -r '"\(.pulled) \(.left)"' "$scratch/here")"
	rm -rf "$shared/out"
	here two --offline build --json
	same "$2: and builds nothing" 'cached cached' "$(jq -r '[.nodes[].status] | join(" ")' "$scratch/here")"
	check "$2: with the same bytes" cmp "$shared/noise" "$shared/out/a/a.bin"
}
# here STORE WORD...: orch with a store of its own and the cache of shares(); what it says is in $scratch/here.
here() {
	here_store=$1
	shift
	ORCH_CACHE=$shared_url ORCH_STORE=$shared/$here_store XDG_CONFIG_HOME=$shared/config "$orch" -C "$shared" "$@" \
		>"$scratch/here" 2>"$scratch/here.err" || sed 's/^/  /' "$scratch/here.err" "$scratch/here"
}
