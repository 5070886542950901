#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Engines of the Remote Execution API as places: buildbox-casd, with nginx before it where TLS, tokens
# and answers that no good engine gives are wanted.
. tests/e2e/lib.sh
. tests/e2e/remote-lib.sh
needs_grpc
engine casd
cache=grpc://127.0.0.1:$(port casd)

at "$cache" hello blobs 40 200000 1 missing put missing find a result a text find a
says "an empty cache is filled" 'hello: REAPI 2.' 'results may be read and written' 'missing 40 of 40' \
	'missing 0 of 40' 'a: none' 'a: found'
at "$cache" blobs 40 200000 1 missing get find a
says "a second reader finds all of it" 'missing 0 of 40' 'got 40 of 40' 'a: found'
at "$cache" hello batch 100000 blobs 9 300000 2 put missing get blobs 1 0 0 missing put get blobs 0 1 1 missing put get
says "blobs larger than a batch travel as streams" 'missing 0 of 9' 'got 9 of 9' 'got 1 of 1' 'got 0 of 0'

# Where some of these blobs are; others come.
find "$run/casd/cas/objects" -type f -size +60k | sort >"$scratch/objects"
shares "$cache" casd
together "$cache" casd

# --- what orch doctor says of it ------------------------------------------------------------------------
# doctor: with $ORCH_CACHE; what it says is in $scratch/said.
doctor() { ORCH_STORE=$scratch/store XDG_CONFIG_HOME=$scratch/config "$orch" doctor >"$scratch/said" 2>&1; }
finds() { check "$1" grep -qE -- "$2" "$scratch/said"; }
mkdir -p "$scratch/config/orch"
doctor
lacks "doctor: nothing without a cache" 'shared cache|believed' "$scratch/said"
ORCH_CACHE="$cache grpc://127.0.0.1:1 gopher://x" doctor
finds "doctor: a cache" "^ok *shared cache *$cache: REAPI 2.*results may be read and written"
finds "doctor: nobody there" '^slow *shared cache .*Connection refused'
finds "doctor: a wrong URL" '^slow *shared cache .*remote-url'
finds "doctor: who is believed: everybody" '^slow *believed *results of whoever may write'
printf 'remote:\n  trust: [ed25519:%064d]\n' 7 >"$scratch/config/orch/config.yaml"
ORCH_CACHE=$cache doctor
finds "doctor: who is believed: those who are named" '^ok *believed *results that are signed by ed25519:000'
printf 'remote:\n  mode: write\n' >"$scratch/config/orch/config.yaml"
ORCH_CACHE=$cache doctor
finds "doctor: nobody signs" '^slow *signed by *nobody'
ORCH_CACHE='' ORCH_EXECUTOR="$cache grpc://127.0.0.1:1 program:/bin/true program:/nothing" doctor
finds "doctor: an executor that is a cache alone" "^slow *executor *$cache: REAPI 2.*but it runs no actions"
finds "doctor: another one is away" '^slow *executor .*grpc://127.0.0.1:1.*Connection refused'
finds "doctor: a program" '^ok *executor *program:/bin/true'
finds "doctor: one that is not there" '^slow *executor *program:/nothing: it cannot be started: No such file'
ORCH_CACHE='' ORCH_EXECUTOR=gopher://x doctor
finds "doctor: an executor of no known kind" '^slow *executor .*remote-url'

# --- what happens to blobs on a server's disk ---------------------------------------------------------
object() { sed -n "$1p" "$scratch/objects"; }
damage() { chmod u+w "$1" && printf 'XXXX' | dd of="$1" bs=1 seek=1000 conv=notrunc status=none; }
at "$cache" blobs 12 190000 3 put
damage "$(object 3)"
rm -f "$(object 9)"
for seed in 1 2 3; do
	at "$cache" blobs $((seed == 1 ? 40 : seed == 2 ? 9 : 12)) $((seed == 1 ? 200000 : seed == 2 ? 300000 : 190000)) $seed get
	cat "$scratch/said"
done >"$scratch/all"
cp "$scratch/all" "$scratch/said"
lacks "wrong bytes are never used" 'WRONG BYTES' "$scratch/all"
says "they are told" '[remote-damaged]'
same "of 61 blobs one is damaged and one is gone" 59 "$(sed -n 's/^got \([0-9]*\) of.*/\1/p' "$scratch/all" | paste -sd+ | bc)"

# --- servers that come and go ---------------------------------------------------------------------------
chaos casd "$cache" 60 2
ends "and nothing fails" 0
tests/engines.sh kill "$run" casd
start=$(date +%s)
at "$cache" hello
ends "nobody there: class NET" 4
says "nobody there: in words" 'cannot connect to 127.0.0.1' 'Connection refused' '[remote-unreachable]'
check "and it takes at most 5 s" [ $(($(date +%s) - start)) -le 5 ]
engine casd

# --- TLS ------------------------------------------------------------------------------------------------
certificates
PLACE_CA=$tls/ca.pem
export PLACE_CA
# front NAME LINE...: an nginx with the certificate NAME before the engine.
front() {
	front_name=$1
	shift
	tests/engines.sh stop "$run/front" 2>/dev/null
	tests/engines.sh start nginx "$run/front" "listen 127.0.0.1:$tls_port ssl http2;" \
		"ssl_certificate $tls/$front_name.pem; ssl_certificate_key $tls/$front_name.key;" \
		'grpc_read_timeout 60s; client_max_body_size 0;' "$@" \
		"location / { grpc_pass $cache; }"
}
mkdir -p "$run/front"
tls_port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
secure=grpcs://localhost:$tls_port
trap 'tests/engines.sh stop "$run/front"; tests/engines.sh stop "$run"; [ -z "$helpers" ] || kill $helpers 2>/dev/null; rm -rf "$scratch"' EXIT
command -v nginx >/dev/null || { skip "no nginx"; finish; }
front good
at "$secure" hello blobs 20 300000 5 put get
says "TLS" 'results may be read and written' 'got 20 of 20'
at "grpcs://127.0.0.1:$tls_port" hello
says "a certificate for an address" 'hello: REAPI'
PLACE_CA='' at "$secure" hello
says "an unknown CA: in words" "is signed by 'Test ca', whom this machine does not know" "'ca:' in config.yaml"
ends "an unknown CA: class NET" 4
PLACE_CA=$tls/none.pem at "$secure" hello
says "no such file" "none.pem' cannot be used as 'ca:'"
at "grpcs://127.0.0.1:$(port casd)" hello
says "a server without TLS: in words" 'does not speak TLS on this port'
for case in "expired|was valid until 2021-01-01 00:00 UTC; the clock of this machine says 2" \
	"early|is valid from 2039-01-01 00:00 UTC; the clock of this machine says 2" \
	"other|is not for 'localhost', it is for elsewhere.example" \
	"stranger|is signed by 'Test strangers', whom this machine does not know"; do
	front "${case%%|*}"
	start=$(date +%s)
	at "$secure" hello
	says "a certificate that is '${case%%|*}'" "${case#*|}"
	check "which is not tried again" [ $(($(date +%s) - start)) -le 3 ]
done
front good "ssl_client_certificate $tls/ca.pem; ssl_verify_client on;"
at "$secure" hello
says "a client certificate is missing: in words" 'error: '
PLACE_CERT=$tls/client.pem PLACE_KEY=$tls/client.key at "$secure" hello
says "a client certificate" 'hello: REAPI'

# --- rights, room and time ------------------------------------------------------------------------------
front good 'if ($http_authorization != "Bearer s3cr3t") { return 401; }'
at "$secure" hello
says "a token is wanted: in words" 'UNAUTHENTICATED' '$ORCH_CACHE_TOKEN' '[remote-refused]'
PLACE_TOKEN=other at "$secure" hello
says "a wrong token: in words" 'does not accept the token'
lacks "which is not shown" other "$scratch/said"
PLACE_TOKEN=s3cr3t at "$secure" hello
says "a token" 'hello: REAPI'
front good "if (\$http_authorization != \"Basic $(printf 'robot:s3cr3t' | base64)\") { return 401; }"
PLACE_TOKEN=robot:s3cr3t at "$secure" hello
says "a user and a password" 'hello: REAPI'
PLACE_TOKEN='' at "grpcs://robot:s3cr3t@localhost:$tls_port" hello
says "the same in the URL" 'hello: REAPI'
PLACE_TOKEN=s3cr3t at grpc://cache.example:1 hello
says "no token travels in clear" 'would travel in clear' '[remote-url]'

writes=/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchUpdateBlobs
front good "location $writes { return 403; }"
at "$secure" hello blobs 20 300000 5 missing get blobs 5 1000 6 put
says "who may only read, reads" 'results may only be read' 'missing 0 of 20' 'got 20 of 20'
says "and is told" 'PERMISSION_DENIED' '[remote-refused]'
front good "location $writes { return 507; }"
at "$secure" blobs 5 1000 6 put
says "a full disk: in words" 'RESOURCE_EXHAUSTED'
ends "a full disk: class NET" 4
front good 'limit_rate 400k;'
at "$secure" blobs 10 300000 5 get
says "a slow server is waited for" 'got 10 of 10'

# --- what no server should do ---------------------------------------------------------------------------
helper tests/hostile-h2.py
at "grpc://127.0.0.1:$helper_port" hello
says "a server that breaks off" '[remote-unreachable]'
for case in 'nothing|not a cache' 'sha1|does not name blobs by SHA-256' 'bomb|got 0 of 3|cannot be unpacked' \
	'garbled|got 0 of 3|cannot be unpacked' 'liar|got 0 of 3|not those of its name' 'uninvited|got 0 of 3' \
	'twice|got 0 of 3|not those of its name' 'crumbs|got 0 of 3|cannot be read' 'noise|got 0 of 3|cannot be read'; do
	helper tests/hostile-h2.py "${case%%|*}"
	at "grpc://127.0.0.1:$helper_port" blobs 3 1000 7 get
	printf '%s\n' "${case#*|}" | tr '|' '\n' >"$scratch/wanted"
	check "an engine that answers with ${case%%|*}" sh -c \
		'while read -r text; do grep -F -- "$text" "$2" || { cat "$2"; exit 1; }; done <"$1"' sh "$scratch/wanted" "$scratch/said"
done
helper tests/hostile-h2.py uninvited
at "grpc://127.0.0.1:$helper_port" blobs 3 1000 7 missing
says "an engine that misses what nobody asked for" 'missing 0 of 3'
helper -c 'import http.server; s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler); print(s.server_port, flush=True); s.serve_forever()'
at "grpc://127.0.0.1:$helper_port" hello
ends "a server that is none of HTTP/2" 4

# --- a proxy --------------------------------------------------------------------------------------------
front other
helper tests/connect-proxy.py me:secret
export https_proxy="http://me:secret@127.0.0.1:$helper_port"
at "grpcs://elsewhere.example:$tls_port" hello
says "by way of a proxy" 'hello: REAPI'
export https_proxy="http://127.0.0.1:$helper_port"
at "grpcs://elsewhere.example:$tls_port" hello
says "a proxy that refuses: in words" 'cannot connect to proxy 127.0.0.1' '407 Proxy Authentication Required'
no_proxy=.example at "grpcs://elsewhere.example:$tls_port" hello
lacks "no_proxy" proxy "$scratch/said"
finish
