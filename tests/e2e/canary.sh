#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Secrets stay where they are: a build that signs and fetches, with canaries in the key, in passwords (of a
# credential helper, of ~/.netrc) and in the environment. Looked for in every write, send and command line
# of every process (strace), in all files of store, project and outputs while it runs and afterwards, and in
# the memory of orch. Each search is seen to find what is planted.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store" XDG_CONFIG_HOME="$scratch/config" HOME="$scratch/home"
unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY all_proxy
p=$scratch/p
key=$p/pki/private/signer.key
helped=h3lped-canary-$$ known=kn0wn-canary-$$ wrong=wr0ng-canary-$$ token=t0ken-canary-$$
export CI_JOB_TOKEN="$token"
mkdir -p "$HOME" "$XDG_CONFIG_HOME/orch" "$p/recipes" "$p/files" "$scratch/www"
command -v strace >/dev/null || { skip "no strace"; exit 77; }

# canary WHAT ARG...: what tests/e2e/canary.py finds, into $scratch/found.
canary() {
	canary_kind=$1
	shift
	# shellcheck disable=SC2086 # words
	if [ "$canary_kind" = files ]; then set -- "$key" $words -- "$@"; else set -- "$@" "$key" $words; fi
	python3 tests/e2e/canary.py "$canary_kind" "$@" >"$scratch/found" 2>&1
	echo "exit $?" >>"$scratch/found"
}
found() { check "$1" grep -q -- "$2" "$scratch/found"; }
clean() { # NAME WHAT: it was looked at, and nothing was found
	check "$1: looked at some" grep -q -E "^[0-9]{2,} $2" "$scratch/found"
	check "$1: to the end" grep -q '^exit 0$' "$scratch/found"
	lacks "$1" '^LEAK|^Traceback' "$scratch/found"
}
traced() { # COMMAND...: into $scratch/trace
	strace -f -v -xx -y --pidns-translation -s 10000000 -o "$scratch/trace" -e trace=execve,prlimit64,setrlimit,clone,clone3,fork,vfork,read,pread64,readv,recvfrom,recvmsg,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,copy_file_range,splice,symlink,symlinkat,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,setxattr,fsetxattr \
		"$@"
}

# ---- a project ----
cat >"$scratch/server.py" <<'END'
# Serves a directory to robot:PASSWORD, each path below /NAME with that NAME's password; what is below "slow" when
# a file "go" is there.
import base64, http.server, os, sys, time
passwords = dict(zip(sys.argv[1::2], sys.argv[2::2]))
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self):
        want = passwords.get(self.path.split("/")[1], "")
        given = self.headers.get("Authorization")
        if given != "Basic " + base64.b64encode(("robot:" + want).encode()).decode():
            self.send_response(401); self.send_header("WWW-Authenticate", "Basic realm=x")
            self.send_header("Content-Length", "0"); self.end_headers(); return
        while "slow" in self.path and not os.path.exists("go"): time.sleep(0.2)
        self.path = "/data"
        super().do_GET()
s = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
open("port.new", "w").write(str(s.server_port)); os.rename("port.new", "port")
s.serve_forever()
END
echo data >"$scratch/www/data"
(cd "$scratch/www" && exec python3 "$scratch/server.py" helped "$helped" known "$known") 2>/dev/null &
server=$!
# shellcheck disable=SC2154 # set when it is used
trap 'kill $server ${orch_pid:-} 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 100); do [ ! -s "$scratch/www/port" ] || break; sleep 0.1; done
port=$(cat "$scratch/www/port")
sum=$(sha256sum <"$scratch/www/data" | cut -d' ' -f1)
printf 'schema: 1\nname: canary-demo\nversion: "1.2"\ndefault: [bundle, helped, known]\n' >"$p/recipes/project.yaml"
for n in helped known slow; do
	host=127.0.0.1
	[ $n = helped ] || host=localhost
	printf 'kind: fetch\nurl: http://%s:%s/%s/%s\nsha256: %s\n' $host "$port" "${n#slow}" $n "$sum" >"$p/recipes/$n.yaml"
done
sed -i 's|//slow|/known/slow|' "$p/recipes/slow.yaml"
printf 'kind: fetch\nurl: http://127.0.0.1:%s/wrong/x\nsha256: %s\n' "$port" "$sum" >"$p/recipes/refused.yaml"
head -c 200000 /dev/urandom >"$p/files/noise"
printf 'kind: image\nfilesystem: vfat\nsize: 4M\ncontents: [{copy: files/, to: /}]\n' >"$p/recipes/boot.yaml"
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' >"$p/recipes/pki.yaml"
printf 'kind: bundle\ncompatible: demo\nversion: ${project.version}\nimages: {bootloader: boot}\nsign: pki\n' >"$p/recipes/bundle.yaml"
code "keys" 0 "$ORCH" -C "$p" pki init
printf 'machine localhost login robot password %s\n' "$known" >"$HOME/.netrc"
printf 'http://robot:%s@127.0.0.1:%s\n' "$helped" "$port" >"$scratch/config/passwords"
helper() { printf 'credential-helper: [git, credential-store, --file, %s]\n' "$scratch/config/$1" >"$XDG_CONFIG_HOME/orch/config.yaml"; }
words="$helped $known $wrong $token"

echo "# each search finds what is planted"
traced sh -c "head -c 9999 '$key' >'$scratch/copy'; cat '$key' >'$scratch/copy'; /bin/true $helped; echo $known >/dev/null; ln -s $wrong '$scratch/link'"
canary trace "$scratch/trace"
found "a key that is written" "^LEAK write by head .*PEM"
found "a key that the kernel copies" "^LEAK copy_file_range of the key by cat"
found "a password in an argv" "^LEAK execve by true .*: $helped"
found "a password that is written" "^LEAK write by sh .*: $known"
found "a password as a link" "^LEAK symlink.*: $wrong"
found "who reads the key" "^READER head core"
found "a token in the environment" "^LEAK execve by true .*$token"
mkdir "$scratch/planted"
cp "$key" "$scratch/planted/copy"
openssl pkey -in "$key" -outform DER -out "$scratch/planted/der"
printf 'robot:%s' "$helped" | base64 >"$scratch/planted/base64"
echo "$known" | rev >"$scratch/planted/reversed"
python3 - "$scratch/planted/db" "$token" <<'END'
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("pragma journal_mode=wal"); db.execute("create table t (x)"); db.execute("insert into t values (?)", (sys.argv[2],))
db.commit()
os._exit(0)  # the log stays
END
canary files "$scratch/planted"
for what in "copy: PEM" "der: number" "base64: $helped in base64" "reversed: $known reversed" "db-wal: $token"; do
	found "in a file: $what" "^LEAK $scratch/planted/$what"
done
rm -r "$scratch/planted" "$scratch/copy"

echo "# a build"
helper passwords
code "it signs and fetches" 0 traced "$ORCH" -C "$p" build --result-json "$scratch/result.json"
same "all of it" "boot built bundle built helped built known built pki built" \
	"$(jq -r '[.nodes[] | .name + " " + .status] | sort | join(" ")' "$scratch/result.json")"
mkdir "$scratch/said"
cp "$scratch/out" "$scratch/err" "$scratch/result.json" "$scratch/said/"
canary trace "$scratch/trace"
cp "$scratch/found" "$scratch/all"
# Where each may go: passwords to the server and from the helper, our environment to our own programs.
may="^LEAK sendto by (orch|exe|orch-worker) \((socket|TCP):[^)]*\): ($helped|$known) in base64 0\$"
may="$may|^LEAK write by git[a-z-]* \(pipe:[^)]*\): $helped\$"
may="$may|^LEAK execve by (orch|exe|orch-worker) [^,]*: $token\$"
grep -v -E "$may" "$scratch/all" >"$scratch/found"
clean "no call has a secret" calls
for word in "$helped" "$known"; do
	check "one goes to the server" grep -q -E "^LEAK sendto.*: $word in base64 0\$" "$scratch/all"
done
same "who reads the key: orch to compare it, workers and rauc to sign" \
	"READER orch core first, READER rauc no core, READER worker no core" \
	"$(sed -n -E 's/^(READER) (orch|exe|orch-worker) no core$/\1 worker no core/; /^READER/p' "$scratch/all" |
		sort -u | paste -sd, | sed 's/,/, /g')"

echo "# what fails"
printf 'http://robot:%s@127.0.0.1:%s\n' "$wrong" "$port" >"$scratch/config/wrong"
helper wrong
code "a wrong password: exit 4" 4 "$ORCH" -C "$p" build refused
"$ORCH" -C "$p" build refused >"$scratch/said/refused" 2>&1
"$ORCH" -C "$p" log refused >"$scratch/said/log" 2>&1
check "it has a log" grep -q 401 "$scratch/said/log"

echo "# while it runs"
helper passwords
"$ORCH" -C "$p" build slow >"$scratch/said/slow" 2>&1 &
orch_pid=$!
for _ in $(seq 100); do [ "$(pgrep -c -P $orch_pid -x orch-worker)" = 0 ] || break; sleep 0.1; done
sleep 1
worker=$(pgrep -P $orch_pid -x orch-worker | head -n 1)
runner=$(pgrep -P "$worker" | head -n 1)
check "the database has a log" test -s "$ORCH_STORE/state.sqlite-wal"
canary files "$ORCH_STORE" "$p/recipes" "$p/out"
clean "no file has a secret" files
canary memory $orch_pid
if grep -q '^FOUND itself' "$scratch/found"; then
	same "orch has no secret in its memory but its environment" "FOUND itself" \
		"$(grep '^FOUND' "$scratch/found" | grep -v "$token" | sort -u)"
	canary memory "${runner:-$worker}"
	found "the worker that fetches has the password" "^FOUND $known"
	lacks "and no key" 'number|PEM' "$scratch/found"
	same "and leaves no core" "0 0" "$(awk '/^Max core/ { print $5, $6 }' "/proc/${runner:-$worker}/limits")"
else
	skip "nobody may read orch's memory here"
fi
: >"$scratch/www/go"
wait $orch_pid
same "it ends well" 0 $?

echo "# afterwards"
canary files "$ORCH_STORE" "$p/recipes" "$p/out" "$scratch/said"
clean "no file has a secret" files
finish
