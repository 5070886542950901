#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the machine and its user say about reaching servers (apt's settings, config.yaml, ~/.netrc) holds for
# 'orch lock' and 'orch build' alike, its secrets show nowhere, and what goes wrong is said in our words. One
# signed archive with one source package, behind servers on the loopback.
. tests/e2e/lib.sh
. tests/e2e/archive-lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" GNUPGHOME="$scratch/gpg" HOME="$scratch/home"
unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY all_proxy NO_COLOR CLICOLOR_FORCE
unset CURL_CA_BUNDLE SSL_CERT_FILE
archive=$scratch/archive
p=$scratch/p
config=$XDG_CONFIG_HOME/orch/config.yaml
secret=c4n4ry$$
mkdir -p "$HOME" "${config%/*}" "$p/recipes" "$p/keys" "$archive/pool" "$scratch/etc"

# ---- an archive ----
# publish DIR SUITE USER [LINE...]: signs what DIR/pool holds, with more lines for the Release file; the suite
# ./ is flat.
publish() {
	(
		cd "$1" || exit 1
		to=$2 signer=$3 day=2026-01-02
		shift 3
		dir=dists/$to/main/source
		[ "$to" != ./ ] || dir=.
		mkdir -p "$dir"
		dpkg-scansources pool >"$dir/Sources" 2>/dev/null
		: >"$dir/Packages"
		if [ "$to" != ./ ]; then
			cd "dists/$to" || exit 1
			mkdir -p main/binary-amd64 main/binary-arm64
			for a in amd64 arm64; do : >"main/binary-$a/Packages"; done
			rm -f main/source/Packages
		fi
		sign_suite own "$@"
	)
}
key one@example.org
key two@example.org
gpg --export one@example.org >"$p/keys/own.gpg"
mkdir -p "$scratch/src/thing-1.0/debian"
(
	cd "$scratch/src/thing-1.0" || exit 1
	echo "from the archive" >file
	printf 'Source: thing\nMaintainer: Nobody <nobody@example.org>\n\nPackage: thing\nArchitecture: all\nDescription: test\n' >debian/control
	printf 'thing (1.0) own; urgency=low\n\n  * Test.\n\n -- Nobody <nobody@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n' >debian/changelog
	mkdir -p debian/source && echo '3.0 (native)' >debian/source/format
	cd .. && dpkg-source -b thing-1.0 >/dev/null 2>&1 && mv thing_1.0.* "$archive/pool/"
)
publish "$archive" own one@example.org
sum=$(sha256sum <"$archive/pool/thing_1.0.tar.xz" | cut -d' ' -f1)

# ---- servers ----
cat >"$scratch/server.py" <<'END'
# server.py DIR NAME MODE...: serves DIR on a loopback port, written to NAME.port; requests go to NAME.log,
# and every command line that has the secret.
import base64, glob, http.server, os, ssl, sys, urllib.request
top, name, modes = sys.argv[1], sys.argv[2], sys.argv[3:]
secret = os.environ["secret"]
want = "Basic " + base64.b64encode(("robot:" + secret).encode()).decode()
log = open(name + ".log", "a", buffering=1)
class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=top)
    def log_message(self, *a): pass
    def do_GET(self):
        log.write(self.path + "\n")
        for f in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                if secret.encode() in open(f, "rb").read(): log.write("LEAK " + f + "\n")
            except OSError: pass
        if self.headers.get("Authorization"): log.write("TOLD\n")
        if "away" in modes:
            self.send_response(302)
            self.send_header("Location", "http://localhost:" + open("direct.port").read() + self.path)
            self.send_header("Content-Length", "0"); self.end_headers(); return
        given = self.headers.get("Proxy-Authorization" if "proxy" in modes else "Authorization")
        if ("auth" in modes or "pool" in modes and "/pool/" in self.path) and given != want:
            self.send_response(407 if "proxy" in modes else 401)
            self.send_header("Proxy-Authenticate" if "proxy" in modes else "WWW-Authenticate", "Basic realm=x")
            self.send_header("Content-Length", "0"); self.end_headers(); return
        if "html" in modes and "/pool/" in self.path: return self.answer(b"<html>log in</html>")
        if "gone" in modes: return self.send_error(404)
        if "proxy" in modes:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try: return self.answer(opener.open(self.path).read())
            except urllib.error.HTTPError as e: return self.send_error(e.code)
        super().do_GET()
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
s.daemon_threads = True
if "tls" in modes:
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain("server.pem", "server.key")
    if "client" in modes: c.verify_mode = ssl.CERT_REQUIRED; c.load_verify_locations("ca.pem")
    s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
open(name + ".new", "w").write(str(s.server_port)); os.rename(name + ".new", name + ".port")
s.serve_forever()
END
servers=
trap 'kill $servers 2>/dev/null; chmod -R u+w "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
# server NAME MODE...: sets $port.
server() {
	server_name=$1
	shift
	(cd "$scratch" && secret=$secret exec python3 server.py "$archive" "$server_name" "$@") 2>/dev/null &
	servers="$servers $!"
	for _ in $(seq 100); do [ ! -s "$scratch/$server_name.port" ] || break; sleep 0.1; done
	port=$(cat "$scratch/$server_name.port")
}
asked() { wc -l <"$scratch/$1.log"; } # NAME

# ---- what is done with it ----
project() { # [LINE of the archive's entry]
	printf 'schema: 1\nname: demo\nversion: "1"\narchives:\n  own: {suites: [%s], keyring: keys/own.gpg%s}\n' \
		"${suite:-own}" "${1:-}" >"$p/recipes/project.yaml"
	printf 'kind: debian\nsources: [thing]\n' >"$p/recipes/src.yaml"
}
mirror() { printf 'mirrors: {own: %s}\n' "$1" >"$config"; } # YAML
apt_conf() { # LINE...: the host's apt has these settings
	printf '%s\n' 'Dir::Etc::parts "/dev/null";' "$@" >"$scratch/apt.conf"
	export APT_CONFIG="$scratch/apt.conf"
}
fresh() {
	chmod -R u+w "$ORCH_STORE" 2>/dev/null
	rm -rf "$ORCH_STORE" "$p/recipes/src.lock" "$p/out"
}
o() { "$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err"; }
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
# both NAME: locks and builds from an empty store.
both() {
	fresh
	code "$1: lock" 0 "$ORCH" -C "$p" lock src
	code "$1: build" 0 "$ORCH" -C "$p" build src
	same "$1: the very file" "from the archive" "$(tar -xOf "$p/out/src/root.tar" usr/src/thing/file 2>&1)"
}
project
apt_conf

echo "# certificates"
(
	cd "$scratch" || exit 1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 100
	for n in server client; do
		openssl req -newkey rsa:2048 -nodes -keyout $n.key -out $n.csr -subj /CN=localhost
		printf 'subjectAltName=DNS:localhost\n' >ext
		openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile ext -out $n.pem
	done
) >/dev/null 2>&1
server tls tls
mirror "\"https://localhost:$port\""
apt_conf "Acquire::https::CAInfo \"$scratch/ca.pem\";"
both "an authority of one's own"
for name in CAInfo::localhost localhost::CAInfo; do # the form of the manual, and what apt understands
	apt_conf "Acquire::https::$name \"$scratch/ca.pem\";"
	both "an authority for one host, as $name"
done
apt_conf
code "unknown authority: exit 4" 4 "$ORCH" -C "$p" lock src --update
says "unknown authority: archive and remedy" "archive 'own' has a certificate.*Acquire::https::CAInfo"
apt_conf 'Acquire::https::Verify-Peer "false";'
both "a server that is not verified"
mirror "\"https://127.0.0.1:$port\""
apt_conf "Acquire::https::CAInfo \"$scratch/ca.pem\";" 'Acquire::https::Verify-Host "false";'
both "a certificate of another name"
server client tls client
mirror "\"https://localhost:$port\""
apt_conf "Acquire::https { CAInfo \"$scratch/ca.pem\"; SslCert \"$scratch/client.pem\"; SslKey \"$scratch/client.key\"; };"
both "a certificate for us"

echo "# proxies"
server direct
direct=$port
server proxy proxy
proxy=$port
mirror "\"http://127.0.0.1:$direct\""
apt_conf "Acquire::http::Proxy \"http://127.0.0.1:$proxy\";"
both "a proxy"
check "lists and package come through it" test "$(grep -c '/Sources\|InRelease\|tar.xz' "$scratch/proxy.log")" -ge 3
: >"$scratch/proxy.log"
apt_conf "Acquire::http::Proxy \"http://127.0.0.1:$proxy\";" 'Acquire::http::Proxy::127.0.0.1 "DIRECT";'
both "a host without proxy"
same "the proxy is not asked" 0 "$(asked proxy)"
printf '#!/bin/sh\necho http://127.0.0.1:%s\n' "$proxy" >"$scratch/detect"
chmod 755 "$scratch/detect"
apt_conf "Acquire::http::Proxy-Auto-Detect \"$scratch/detect\";"
both "a program that knows the proxy"
check "lists and package come through it" test "$(grep -c '/Sources\|InRelease\|tar.xz' "$scratch/proxy.log")" -ge 3
apt_conf
http_proxy=http://127.0.0.1:$proxy
export http_proxy
: >"$scratch/proxy.log"
both "the environment's proxy"
check "lists and package come through it" test "$(grep -c '/Sources\|InRelease\|tar.xz' "$scratch/proxy.log")" -ge 3
unset http_proxy

echo "# secrets"
# hidden NAME: the secret is in no message, no command line, and nowhere in the project or the store.
hidden() {
	cat "$scratch/out" "$scratch/err" >>"$scratch/said"
	o log src
	cat "$scratch/out" "$scratch/err" >>"$scratch/said"
	check "$1: no message has it" sh -c "grep '$secret' '$scratch/said'; [ \$? = 1 ]"
	check "$1: no command line has it" sh -c "grep LEAK '$scratch'/*.log; [ \$? = 1 ]"
	check "$1: the project has it nowhere" sh -c "grep -r '$secret' '$p'; [ \$? = 1 ]"
	check "$1: the store has apt's lists" test -n "$(ls -A "$ORCH_STORE/apt")"
	same "$1: the store has it nowhere" "" "$(grep -rl "$secret" "$ORCH_STORE")"
}
server auth auth
auth=$port
mirror "\"http://robot:$secret@127.0.0.1:$auth\""
both "a password in config.yaml"
hidden "a password in config.yaml"
mirror "\"http://robot:$secret@127.0.0.1:1\""
o lock src --update
o build src --set x=y
mirror "\"http://robot:wrong@127.0.0.1:$auth\""
code "a wrong password: exit 4" 4 "$ORCH" -C "$p" lock src --update
says "a wrong password: archive and remedy" "archive 'own' refuses us: .*auth.conf"
mirror "\"http://127.0.0.1:$auth\""
printf 'machine http://127.0.0.1:%s login robot password %s\n' "$auth" "$secret" >"$scratch/etc/auth.conf"
chmod 600 "$scratch/etc/auth.conf"
apt_conf "Dir::Etc::netrc \"$scratch/etc/auth.conf\";"
both "apt's auth.conf"
hidden "apt's auth.conf"
mkdir -p "$scratch/etc/auth.conf.d"
mv "$scratch/etc/auth.conf" "$scratch/etc/auth.conf.d/own.conf"
apt_conf "Dir::Etc::netrcparts \"$scratch/etc/auth.conf.d\";"
both "apt's auth.conf.d"
hidden "apt's auth.conf.d"
cat >"$scratch/etc/auth.conf" <<END
machine http://127.0.0.1:$auth/pool login robot password $secret
machine http://127.0.0.1:$auth/dists login robot password $secret
END
apt_conf "Dir::Etc::netrc \"$scratch/etc/auth.conf\";"
both "auth.conf below the archive's URL"
hidden "auth.conf below the archive's URL"
server pool pool
mirror "\"http://127.0.0.1:$port\""
cat >"$scratch/etc/auth.conf" <<END
machine http://127.0.0.1:$port/pool login robot password $secret
machine http://127.0.0.1:$port login robot password wrong
END
both "auth.conf with others for the archive itself"
printf 'machine http://127.0.0.1:%s/pool login robot password %s\n' "$port" "$secret" >"$scratch/etc/auth.conf.d/own.conf"
printf 'machine 127.0.0.1 login robot password wrong\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
apt_conf "Dir::Etc::netrcparts \"$scratch/etc/auth.conf.d\";"
both "auth.conf.d before .netrc"
rm "$HOME/.netrc"
server locked proxy auth
mirror "\"http://127.0.0.1:$direct\""
apt_conf "Acquire::http::Proxy \"http://robot:$secret@127.0.0.1:$port\";"
both "a proxy with a password"
hidden "a proxy with a password"
apt_conf
mirror "\"http://127.0.0.1:$auth\""
code "nobody knows who we are: exit 4" 4 "$ORCH" -C "$p" lock src --update
says "nobody knows who we are: archive and remedies" "archive 'own' refuses us: .*netrc.*credential-helper"
cat >"$scratch/helper" <<END
#!/bin/sh
# says who we are to one server, as git's helpers do; notes what it was asked
{ echo "\$*"; cat; } >>"$scratch/questions"
echo "a trace with $secret" >&2
! tail -n 2 "$scratch/questions" | grep -q "^host=127.0.0.1:$auth\$" || printf 'username=robot\npassword=$secret\n'
END
chmod 755 "$scratch/helper"
with_helper() { # URL: the mirror's
	mirror "\"$1\""
	printf 'credential-helper: [%s, --of, settings]\n' "$scratch/helper" >>"$config"
}
with_helper "http://127.0.0.1:$auth"
both "a helper"
hidden "a helper"
same "a helper: what it is asked" "--of settings get protocol=http host=127.0.0.1:$auth " \
	"$(head -n 3 "$scratch/questions" | tr '\n' ' ')"
same "a helper: as often as a server asks" 2 "$(grep -c '^host=' "$scratch/questions")"
: >"$scratch/questions"
with_helper "http://127.0.0.1:$direct"
both "a helper for a server that does not ask"
same "it is not asked" 0 "$(wc -l <"$scratch/questions")"
mkdir -p "$scratch/git-home"
printf 'http://robot:%s@127.0.0.1:%s\n' "$secret" "$auth" >"$scratch/git-home/credentials"
mirror "\"http://127.0.0.1:$auth\""
printf 'credential-helper: [git, credential-store, --file, %s]\n' "$scratch/git-home/credentials" >>"$config"
both "a helper of git's own"
hidden "a helper of git's own"
mirror "\"http://127.0.0.1:$auth\""
echo 'credential-helper: /bin/false' >>"$config"
code "a helper that fails: exit 7" 7 "$ORCH" -C "$p" lock src --update
says "a helper that fails: who and why" "archive 'own' asks who we are: the credential helper, asked about http://127.0.0.1:$auth: '/bin/false' exited with 1"
server away away
with_helper "http://127.0.0.1:$port"
: >"$scratch/questions"
printf 'machine 127.0.0.1 login robot password %s\n' "$secret" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
both "an archive that redirects"
check "it was told who we are" grep -q '^TOLD' "$scratch/away.log"
check "where it leads to is not" sh -c "grep '^TOLD' '$scratch/direct.log'; [ \$? = 1 ]"
mirror "\"http://127.0.0.1:$auth\""
both "a .netrc"
hidden "a .netrc"
printf 'kind: fetch\nurl: http://127.0.0.1:%s/pool/thing_1.0.tar.xz\nsha256: %s\n' "$auth" "$sum" >"$p/recipes/get.yaml"
fresh
code "fetch asks ~/.netrc" 0 "$ORCH" -C "$p" build get
printf 'kind: fetch\nurl: https://localhost:%s/pool/thing_1.0.tar.xz\nsha256: %s\n' "$(cat "$scratch/tls.port")" "$sum" \
	>"$p/recipes/get.yaml"
fresh
code "fetch trusts no unknown authority" 4 "$ORCH" -C "$p" build get
code "fetch asks the environment for authorities" 0 env SSL_CERT_FILE="$scratch/ca.pem" "$ORCH" -C "$p" build get
rm "$p/recipes/get.yaml" "$HOME/.netrc"
mirror "\"http://127.0.0.1:$auth/a b\""
code "a space in a URL: exit 2" 2 "$ORCH" -C "$p" lock src
says "a space in a URL: which and how" "the URL of archive 'own' has a space: write %20"
mirror "\"http://robot:a%20b@127.0.0.1:$auth\""
code "a space in a password: exit 2" 2 "$ORCH" -C "$p" lock src
says "a space in a password: why" "password of archive 'own'.*has a space"

echo "# several mirrors"
server html html
html=$port
server gone gone
gone=$port
for list in "[\"http://127.0.0.1:$html\", \"http://127.0.0.1:$direct\"]" \
	"[\"http://127.0.0.1:$gone\", \"http://127.0.0.1:$direct\"]" "[\"http://127.0.0.1:1\", \"http://127.0.0.1:$direct\"]"; do
	mirror "$list"
	both "$list"
done
mirror "[\"http://127.0.0.1:$html\", \"http://127.0.0.1:$direct\"]"
both "a mirror with other bytes"
o log src
check "the log names it" grep -q "http://127.0.0.1:$html/pool/thing_1.0.tar.xz: has .*; trying the next mirror" "$scratch/out"
mirror "\"http://127.0.0.1:$html\""
chmod -R u+w "$ORCH_STORE" && rm -rf "$ORCH_STORE"
code "no mirror has the bytes: exit 5" 5 "$ORCH" -C "$p" build src
says "no mirror has the bytes: names the URL" "http://127.0.0.1:$html/pool/thing_1.0.tar.xz: has "
printf 'http://127.0.0.1:%s\tpriority:2\nhttp://127.0.0.1:%s\tpriority:1\n' "$direct" "$gone" >"$scratch/etc/list"
mirror "\"mirror+file:$scratch/etc/list\""
both "apt's list of mirrors"
cat >"$scratch/etc/list" <<END
# http://127.0.0.1:1
file:$scratch/nowhere/	priority:1 type:index arch:arm64
http://127.0.0.1:$html	type:index	priority:2
http://127.0.0.1:$direct/	# of the data center
END
both "a list with metadata and comments"
printf 'http://127.0.0.1:%s\ttype:dsc\nhttp://127.0.0.1:%s\ttype:index\n' "$gone" "$direct" >"$scratch/etc/list"
both "metadata that says nothing of sources"
printf 'http://127.0.0.1:%s\ttype:dsc\nhttp://127.0.0.1:%s\ttype:tar\n' "$direct" "$html" >"$scratch/etc/list"
code "a list without a mirror for indexes: exit 7" 7 timeout 60 "$ORCH" -C "$p" lock src --update
says "a list without a mirror for indexes: says so" "has none for the indexes of the archive"
printf 'http://127.0.0.1:%s\n' "$direct" >"$scratch/etc/list"
: >"$scratch/direct.log"
code "--offline builds" 0 "$ORCH" -C "$p" build src --offline
code "--offline locks" 0 "$ORCH" -C "$p" lock src --update --offline
mirror "[\"http://127.0.0.1:$direct\", \"http://127.0.0.1:$html\"]"
chmod -R u+w "$ORCH_STORE" && rm -rf "$ORCH_STORE"
: >"$scratch/html.log"
code "--offline without the package: exit 4" 4 "$ORCH" -C "$p" build src --offline
same "--offline asks nobody" "0 0" "$(asked direct) $(asked html)"

echo "# the host's sources"
mkdir -p "$scratch/etc/sources.d" "$archive/dists/trixie"
publish "$archive" trixie one@example.org
sed -i 's/^Origin: own/Origin: Debian/' "$archive/dists/trixie/Release"
gpg --batch --yes --quiet -u one@example.org --clearsign -o "$archive/dists/trixie/InRelease" "$archive/dists/trixie/Release"
gpg --armor --export one@example.org >"$scratch/etc/own.asc"
printf 'schema: 1\nname: demo\nversion: "1"\narchives: {debian: {suites: [trixie]}}\n' >"$p/recipes/project.yaml"
printf '# not this one\nTypes: deb\nURIs: http://127.0.0.1:1\nSuites: trixie\nComponents: main\nEnabled: no\n\nTypes: deb\nURIs:\n http://127.0.0.1:%s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
	"$direct" "$scratch/etc/own.asc" >"$scratch/etc/sources.d/debian.sources"
echo '{}' >"$config"
apt_conf "Dir::Etc::sourcelist \"/dev/null\";" "Dir::Etc::sourceparts \"$scratch/etc/sources.d\";"
both "deb822, with its key"
sed -i '/^Signed-By/d' "$scratch/etc/sources.d/debian.sources"
{
	echo 'Signed-By:'
	sed 's/^$/./; s/^/ /' "$scratch/etc/own.asc"
} >>"$scratch/etc/sources.d/debian.sources"
both "deb822, with a key in it"
rm "$scratch/etc/sources.d/debian.sources"
printf 'deb [arch=amd64,arm64 signed-by=%s] mirror+file:%s trixie main\n' "$scratch/etc/own.asc" "$scratch/etc/list" >"$scratch/etc/sources.d/x.list"
both "one line, with a list of mirrors"
printf 'deb http://127.0.0.1:%s trixie main\n' "$direct" >"$scratch/etc/sources.d/x.list"
code "not Debian's key: exit 5" 5 "$ORCH" -C "$p" lock src --update
apt_conf
project
mirror "\"file://$archive\""

echo "# what is wrong with an archive"
both "a file: archive"
# wrong NAME CODE TEXT
wrong() {
	code "$1: exit $2" "$2" "$ORCH" -C "$p" lock src --update
	says "$1: says so" "archive 'own' $3"
	check "$1: no file that nobody wrote is named" sh -c "grep -e '$ORCH_STORE' -e orch.sources '$scratch/err'; [ \$? = 1 ]"
}
publish "$archive" own two@example.org
wrong "a foreign key" 5 "is signed by a key that is not among its keys"
publish "$archive" own nobody
wrong "not signed any more" 5 "is not signed"
fresh
wrong "not signed" 5 "is not signed"
publish "$archive" own one@example.org "Valid-Until: Sat, 10 Jan 2026 00:00:00 UTC"
wrong "expired" 5 "has a signed state that has expired.*'valid-until: ignore'"
project ", valid-until: ignore"
both "expired, and taken all the same"
check "the lock says so" grep -q '^archive own .* valid-until:ignore$' "$p/recipes/src.lock"
project
code "the lock is another one without: exit 2" 2 "$ORCH" -C "$p" plan
apt_conf 'Acquire::Check-Valid-Until "false";'
both "expired, as the user's apt takes it"
apt_conf
publish "$archive" own one@example.org
echo >>"$archive/dists/own/main/source/Sources"
fresh
wrong "an index that is not the signed one" 5 "has files that differ from its signed index"
publish "$archive" own one@example.org
mirror "\"http://127.0.0.1:1\""
wrong "nobody there" 4 "cannot be reached"
mirror "\"http://127.0.0.1:$gone\""
wrong "no such suite" 4 "has no such suite"
suite=./ project
publish "$archive" ./ one@example.org
mirror "\"file://$archive\""
both "a flat archive"
project

echo "# paths"
for name in "my project" 'a,b' 'a:b;c' "it's \"x\"" 'a[1]{2}' 'do$lar' '50%20' 'back\slash' 'prüfung' '#x' '~' "new
line"; do
	mkdir "$scratch/$name"
	cp -R "$p" "$scratch/$name/p"
	(p="$scratch/$name/p" ORCH_STORE="$scratch/$name/store" both "in '$(echo "$name" | tr '\n' '?')'") >"$scratch/result"
	cat "$scratch/result"
	failures=$((failures + $(grep -c '^not ok' "$scratch/result")))
done
finish
