#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Web servers as places: nginx with WebDAV, a server that answers as no other should, and a bucket of S3
# that looks at signatures.
. tests/e2e/lib.sh
. tests/e2e/remote-lib.sh
command -v nginx >/dev/null || { echo "no nginx"; exit 77; }

engine nginx
web=http://127.0.0.1:$(port nginx)
round "$web/a/b" nginx
shares "$web/shared" nginx
together "$web/together" nginx
root=$run/nginx/root/a/b
same "names are those of a directory" 41 "$(find "$root/cas" -type f | wc -l)"

# --- what happens to blobs on a server's disk ---------------------------------------------------------
object() { find "$root/cas" -type f -size +60k | sort | sed -n "$1p"; }
printf 'XXXX' | dd of="$(object 3)" bs=1 seek=1000 conv=notrunc status=none
rm -f "$(object 9)"
truncate -s 1000 "$(object 12)"
at "$web/a/b" blobs 40 200000 1 missing get
says "damaged, gone and cut short" 'missing 2 of 40' 'got 37 of 40' '[remote-damaged]'
lacks "wrong bytes are never used" 'WRONG BYTES' "$scratch/said"
ends "class INTEGRITY" 5
at "$web/a/b" blobs 40 200000 1 missing put missing get
says "what is missing is sent again" 'missing 0 of 40' 'got 39 of 40'

# --- who makes what came damaged, or not at all, mends it there --------------------------------------
statuses() { jq -r '[.nodes[].status] | join(" ")' "$scratch/here"; }
for how in damaged gone; do
	part=$(find "$run/nginx/root/shared/cas" -type f -size +60k | sort | sed -n 2p)
	printf 'XXXX' | dd of="$part" bs=1 seek=1000 conv=notrunc status=none
	[ $how = damaged ] || rm "$part"
	rm -rf "$shared/out"
	here "$how" build --json
	same "a part is $how: its node is made" 'built cached' "$(statuses)"
	rm -rf "$shared/out"
	here "$how.after" build --json
	same "and everybody else finds it whole" 'cached cached' "$(statuses)"
done

# --- servers that come and go ---------------------------------------------------------------------------
chaos nginx "$web/chaos" 60 2
tests/engines.sh kill "$run" nginx
start=$(date +%s)
at "$web" hello
ends "nobody there: class NET" 4
says "nobody there: in words" 'Failed to connect to 127.0.0.1' '[remote-unreachable]'
check "and it takes at most 5 s" [ $(($(date +%s) - start)) -le 5 ]

# --- TLS, rights, room ----------------------------------------------------------------------------------
certificates
PLACE_CA=$tls/ca.pem
export PLACE_CA
tls_port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
secure=https://localhost:$tls_port
# front NAME LINE...: the server with the certificate NAME.
front() {
	front_name=$1
	shift
	tests/engines.sh kill "$run" nginx
	tests/engines.sh start nginx "$run" "listen 127.0.0.1:$tls_port ssl;" \
		"ssl_certificate $tls/$front_name.pem; ssl_certificate_key $tls/$front_name.key;" \
		'dav_methods PUT; create_full_put_path on;' "$@"
}
front good
at "$secure" hello blobs 10 300000 5 put get
says "TLS" 'results may be read and written' 'got 10 of 10'
PLACE_CA='' at "$secure" hello
says "an unknown CA: in words" "name a file of who signs it with 'ca:' in config.yaml"
ends "an unknown CA: class NET" 4
for case in "expired|expired; the clock of this machine says 2" "early|not yet valid; the clock of this machine says 2" \
	"other|localhost" "stranger|name a file of who signs it with 'ca:'"; do
	front "${case%%|*}"
	start=$(date +%s)
	at "$secure" hello
	says "a certificate that is '${case%%|*}'" "${case#*|}" '[remote-unreachable]'
	check "which is not tried again" [ $(($(date +%s) - start)) -le 3 ]
done
front good 'if ($http_authorization != "Bearer s3cr3t") { return 401; }'
at "$secure" hello
says "a token is wanted: in words" 'HTTP status 401' 'it wants to know who asks' '$ORCH_CACHE_TOKEN' '[remote-refused]'
PLACE_TOKEN=0ther at "$secure" hello
says "a wrong token: in words" 'it does not accept what it was told'
lacks "which is not shown" 0ther "$scratch/said"
PLACE_TOKEN=s3cr3t at "$secure" hello
says "a token" 'results may be read and written'
front good "if (\$http_authorization != \"Basic $(printf 'robot:s3cr3t' | base64)\") { return 401; }"
PLACE_TOKEN=robot:s3cr3t at "$secure" hello
says "a user and a password" 'results may be read and written'
at "https://robot:s3cr3t@localhost:$tls_port" hello
says "the same in the URL" 'results may be read and written'
mkdir -p "$scratch/home"
printf 'machine localhost login robot password s3cr3t\n' >"$scratch/home/.netrc"
HOME=$scratch/home at "$secure" hello
says "the same in ~/.netrc" 'results may be read and written'
PLACE_TOKEN=s3cr3t at http://cache.example hello
says "no token travels in clear" 'would travel in clear' '[remote-url]'
at http://cache.example hello
says "no result comes in clear" '?plain=yes' '[remote-url]'
front good 'if ($request_method = PUT) { return 403; }'
at "$secure" hello blobs 10 300000 5 missing get blobs 5 1000 6 put
says "who may only read, reads" 'results may only be read' 'missing 0 of 10' 'got 10 of 10'
says "and is told" 'it may be read, but not written' '[remote-refused]'
echo "robot:$(openssl passwd -apr1 s3cr3t)" >"$scratch/passwords"
front good "location /orch { client_max_body_size 8m; dav_methods PUT; create_full_put_path on;
	limit_except GET { auth_basic orch; auth_basic_user_file $scratch/passwords; } }" # as docs/sharing.md has it
PLACE_TOKEN=robot:s3cr3t at "$secure/orch" hello blobs 5 2300000 8 put result a text
says "who writes shows a password" 'results may be read and written' 'stored a'
at "$secure/orch" hello blobs 5 2300000 8 get find a
says "who reads needs none" 'results may only be read' 'got 5 of 5' 'a: found'
front good 'limit_rate 300k;'
at "$secure" blobs 10 300000 5 get
says "a slow server is waited for" 'got 10 of 10'
front good 'client_max_body_size 10k;'
at "$secure" blobs 2 100000 6 put
says "files that are too large: in words" 'HTTP status 413' 'its limit for a file is too low'

# --- what no server should do ---------------------------------------------------------------------------
helper tests/hostile-http.py
bad=http://127.0.0.1:$helper_port
at "$bad/endless" blobs 3 1000 7 get
says "an answer without an end" 'got 0 of 3' '[remote-damaged]'
at "$bad/endless" find a
says "a result without an end" 'too large' '[remote-damaged]'
at "$bad/other" blobs 3 1000 7 get
says "other bytes" 'got 0 of 3' '[remote-damaged]'
at "$bad/short" blobs 3 1000 7 get
says "bytes that always end too early are damaged" 'got 0 of 3' 'ends too early' '[remote-damaged]'
at "$bad/short" find a
says "so is a result" 'ends too early' '[remote-damaged]'
at "$bad/more" blobs 40 1000 7 get
says "what comes after an answer spoils no other" 'got 0 of 40' '[remote-damaged]'
at "$bad/lies" blobs 3 1000 7 missing get
says "a wrong length" 'missing 3 of 3' 'got 0 of 3'
at "$bad/loop" blobs 1 1000 7 get
says "a redirect in a circle" 'redirects' '[remote-unreachable]'
at "$bad/tofile" blobs 1 1000 7 get
says "a redirect to a file" 'got 0 of 1' '[remote-unreachable]'
at "$bad/status/507" blobs 2 1000 7 put
says "a full disk: in words" 'HTTP status 507' 'it has no room' '[remote-refused]'
at "$bad/status/405" blobs 2 1000 7 put
says "no WebDAV: in words" "is WebDAV's PUT switched on?"

# --- a proxy --------------------------------------------------------------------------------------------
front other
helper tests/connect-proxy.py
https_proxy="http://127.0.0.1:$helper_port" at "https://elsewhere.example:$tls_port" hello
says "by way of a proxy" 'results may be read and written'

# --- S3 -------------------------------------------------------------------------------------------------
unset https_proxy
PLACE_CA=
helper tests/s3-strict.py someone s3cr3t
AWS_ENDPOINT_URL=http://127.0.0.1:$helper_port
export AWS_ENDPOINT_URL
PLACE_ID=someone PLACE_SECRET=s3cr3t round s3://cache/a/prefix "S3, signed"
AWS_ACCESS_KEY_ID=someone AWS_SECRET_ACCESS_KEY=s3cr3t at s3://cache/a/prefix find a
says "a key of the environment" 'a: found'
PLACE_ID=someone PLACE_SECRET=0ther at s3://cache/a/prefix hello
says "a wrong secret: in words" 'the secret is not that of the key' '[remote-refused]'
PLACE_ID=nobody PLACE_SECRET=s3cr3t at s3://cache/a/prefix hello
says "an unknown key: in words" 'it does not know the key'
PLACE_ID=someone at s3://cache/a/prefix hello
says "half a key" 'no secret' '[remote-url]'
helper tests/s3-strict.py someone s3cr3t t0ken
AWS_ENDPOINT_URL=http://127.0.0.1:$helper_port
AWS_ACCESS_KEY_ID=someone AWS_SECRET_ACCESS_KEY=s3cr3t AWS_SESSION_TOKEN=t0ken round s3://cache "S3, for a session"
AWS_ENDPOINT_URL=http://s3.example at s3://cache hello
says "no S3 in clear" '?plain=yes' '[remote-url]'
finish
