#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast, side by side with other tools in one run:  
#	tests/bench/run.sh [noop|variants|ext4|delta|months|chunks|face|query|diff|cold|asked|fresh|bumped|large|farm|reference|arm64|tzdata|libssl3|kernel...]
# Each line: what, orch's seconds, the other's, the ratio (below 1: orch is faster). Medians, of rounds in
# turn; of what takes minutes, once, with the processor time, too, which other work on the machine changes
# less. What cannot be measured is said, and then the whole ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
orch=$PWD/_build/engine/cli/orch
chunks=$PWD/_build/tests/bench/bench-chunks
work=$(mktemp -d /var/tmp/orch-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
scratch=$work # ends what was started there, and removes it
# shellcheck source=tests/e2e/farm-lib.sh
. tests/e2e/farm-lib.sh
# shellcheck source=tests/bench/shipped.sh
. tests/bench/shipped.sh
# shellcheck source=tests/bench/months.sh
. tests/bench/months.sh
failed=0

# seconds COMMAND...: wall time of one run; its output goes to $work/log.
seconds() {
	local from=$EPOCHREALTIME
	"$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }
	awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", b - a }'
}

# spent COMMAND...: wall time and processor time of one run and all that it has started.
spent() {
	local TIMEFORMAT='%3R %3U %3S'
	{ time "$@" >"$work/log" 2>&1; } 2>"$work/time" || { tail -n 20 "$work/log" >&2; return 1; }
	awk '{ printf "%.3f %.3f\n", $1, $2 + $3 }' "$work/time"
}

middle() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

missed() { # WHAT WHY
	echo "$1: not measured: $2"
	failed=1
}

# compare WHAT ROUNDS OURS OTHER THEIRS [BEFORE]: the commands OURS and THEIRS in turn, OTHER names the
# latter; BEFORE each round, which takes no time.
compare() {
	local i one two ours=() theirs=()
	for ((i = 0; i < $2; i++)); do
		${6:-:}
		if ! one=$(seconds "$3") || ! two=$(seconds "$5"); then
			missed "$1" "it fails"
			return
		fi
		ours+=("$one")
		theirs+=("$two")
	done
	tell "$1" "$(middle "${ours[@]}")" "$4" "$(middle "${theirs[@]}")"
}

tell() { # WHAT OURS OTHER THEIRS
	awk -v what="$1" -v a="$2" -v other="$3" -v b="$4" \
		'BEGIN { printf "%-46s %9.3f s  %-16s %9.3f s  ratio %.2f\n", what, a, other, b, a / b }'
}

# tell_spent WHAT OURS OTHER THEIRS: of what spent() says
tell_spent() {
	tell "$1" "${2% *}" "$3" "${4% *}"
	tell "  processor time" "${2#* }" "$3" "${4#* }"
}

# alone WHAT ROUNDS COMMAND...
alone() {
	local what=$1 n=$2 i one all=()
	shift 2
	for ((i = 0; i < n; i++)); do
		if ! one=$(seconds "$@"); then
			missed "$what" "it fails"
			return
		fi
		all+=("$one")
	done
	printf '%-46s %9.3f s\n' "$what" "$(middle "${all[@]}")"
}

# --- nothing to do: N nodes, one recipe and one input file each
make_noop() { # N
	mkdir -p "$work/noop/recipes" "$work/noop/in" "$work/noop/o"
	printf 'schema: 1\nname: noop\nversion: "1"\n' >"$work/noop/recipes/project.yaml"
	awk -v n="$1" -v d="$work/noop" 'BEGIN {
		print "rule cp\n command = cp $in $out" >(d "/build.ninja")
		for (i = 0; i < n; i++) {
			f = d "/in/" i ".txt"
			print i >f
			close(f)
			f = d "/recipes/n" i ".yaml"
			printf "kind: run\ninputs: [in/%d.txt]\nrun: [[cp, in/%d.txt, copy]]\noutputs: [copy]\n", i, i >f
			close(f)
			printf "build o/%d: cp in/%d.txt\n", i, i >(d "/build.ninja")
		}
	}'
}

bench_noop() {
	local n=${NODES:-10000}
	make_noop "$n"
	# shellcheck disable=SC2317
	ours() { "$orch" -C "$work/noop" --store "$work/store" build --progress quiet; }
	# shellcheck disable=SC2317
	theirs() { ninja -C "$work/noop"; }
	alone "first build of $n nodes" 1 ours
	seconds theirs >/dev/null
	compare "nothing to do, $n nodes" 5 ours ninja theirs
}

# --- a project in 10 x 5 variants, and one with as many nodes
make_variants() {
	local i b f inputs
	mkdir -p "$work/variants/recipes" "$work/plain/recipes"
	{
		printf 'schema: 1\nname: variants\nvariants:\n  board:\n'
		for b in 0 1 2 3 4 5 6 7 8 9; do echo "    b$b: {b: x$b}"; done
		printf '  flavour:\n'
		for f in 0 1 2 3 4; do echo "    f$f: {f: y$f}"; done
	} >"$work/variants/recipes/project.yaml"
	printf 'schema: 1\nname: plain\n' >"$work/plain/recipes/project.yaml"
	for i in {0..14}; do
		inputs=$([ "$i" = 0 ] || seq -f "n%g@" -s , $((i > 3 ? i - 3 : 0)) $((i - 1)))
		one() { printf 'kind: run\ninputs: [%s]\nrun: ["echo %s >o"]\noutputs: [o]\n' "${inputs//@/$1}" "$2"; }
		one '' "\${b} \${f}" >"$work/variants/recipes/n$i.yaml"
		for b in 0 1 2 3 4 5 6 7 8 9; do
			for f in 0 1 2 3 4; do one "-$b-$f" "x$b y$f" >"$work/plain/recipes/n$i-$b-$f.yaml"; done
		done
	done
}

bench_variants() {
	make_variants
	# shellcheck disable=SC2317
	ours() { "$orch" -C "$work/variants" --store "$work/store" plan; }
	# shellcheck disable=SC2317
	theirs() { "$orch" -C "$work/plain" --store "$work/store" plan; }
	compare "plan of 15 nodes in 50 variants" 9 ours "750 plain nodes" theirs
}

# --- a tree to ext4: the host's /usr/include and /usr/share/doc and libraries, about 300 MB
bench_ext4() {
	local p=$work/ext4
	mkdir -p "$p/recipes" "$p/tree"
	tar -C / -c usr/include usr/lib/gcc usr/share/doc usr/share/perl 2>/dev/null |
		tar -C "$p/tree" -x --no-same-owner
	find "$p/tree" \( -type l -o -perm /6000 \) -delete
	grep -rlZ -e '-----BEGIN .*PRIVATE KEY' "$p/tree" | xargs -0 rm -f # examples, which orch would refuse
	printf 'schema: 1\nname: bench\nversion: "1"\ntimes: 1700000000\n' >"$p/recipes/project.yaml"
	printf 'kind: image\nfilesystem: ext4\nsize: 1G\ncontents: [{copy: tree, to: /}]\n' >"$p/recipes/fs.yaml"
	echo "  ($(find "$p/tree" -type f | wc -l) files, $(du -sm --apparent-size "$p/tree" | cut -f1) MB)"
	# shellcheck disable=SC2317
	fresh() { rm -rf "$work/store2" && "$orch" -C "$p" --store "$work/store2" build fs --progress quiet; }
	# shellcheck disable=SC2317
	mke2fs_d() { rm -f "$work/x.img" && mke2fs -q -t ext4 -d "$p/tree" "$work/x.img" 1G && sync "$work/x.img"; }
	compare "directory to ext4, hashed and stored" 3 fresh "mke2fs -d" mke2fs_d
}

# --- what an adaptive update fetches and writes: of this machine's libraries and documentation, or of the ext4
# image $ROOT and the tar $CHANGE with what is to lie over it; a file of 2 bytes added, and a package replaced
bench_delta() {
	local d=$work/delta from=${ROOT:-$work/delta/tree} size=${SIZE:-805306368} change=${CHANGE:-$work/delta/change}
	mkdir -p "$d/tree" "$d/file/etc" "$d/change"
	printf 'x\n' >"$d/file/etc/zz-new"
	if [ -z "${ROOT:-}" ]; then
		tar -C / -c usr/share/doc usr/share/perl usr/lib/gcc etc/alternatives 2>/dev/null |
			tar -C "$d/tree" -x --no-same-owner
		# as a package of three files whose text has grown
		(cd "$d/tree" && find usr/lib/gcc -name '*.a' -size -1000k | sort | head -n 3 | cpio -pdm --quiet "$d/change")
		find "$d/change" -type f -exec sh -c 'head -c 5000 /dev/urandom >>"$1"' - {} \;
	fi
	if ! _build/tests/bench/bench-layout "$d/before.img" "$size" "$from" ||
		! _build/tests/bench/bench-layout "$d/file.img" "$size" "$from" "$d/file" ||
		! _build/tests/bench/bench-layout "$d/package.img" "$size" "$from" "$change" ||
		! (cd "$d" && python3 "$top/tests/bench/delta.py" before.img file.img package.img); then
		missed "adaptive updates" "it fails"
	fi
}

# --- identity of a sparse image: 2 GiB, 300 MB of data
bench_chunks() {
	local i f=$work/sparse.img
	truncate -s 2G "$f"
	for i in 0 300 900 1500 2000; do
		dd if=/dev/urandom of="$f" bs=1M seek="$i" count=60 conv=notrunc status=none
	done
	# shellcheck disable=SC2317
	ours() { "$chunks" "$work/sparse.img"; }
	# shellcheck disable=SC2317
	theirs() { sha256sum "$work/sparse.img"; }
	compare "identity of 2 GiB with 300 MiB of data" 5 ours sha256sum theirs
}

# --- a small project of the reference project's shape, of this machine's architecture (so that nobody emulates):
# two trees, a program compiled in one, root, boot, disk, bundle; against tests/bench/by-hand.sh
make_cold() {
	local p=$work/cold
	mkdir -p "$p/recipes" "$p/rootfs/etc"
	echo 'int main(void) { return 0; }' >"$p/app.c"
	echo 'boot' >"$p/boot.txt"
	echo 'bench' >"$p/rootfs/etc/hostname"
	cat >"$p/recipes/project.yaml" <<-'END'
		schema: 1
		name: bench
		version: "1"
		default: [bundle, install]
		archives:
		  debian: {suites: [trixie], components: [main]}
		slots: {boot: 64M, root: 768M}
	END
	printf 'kind: debian\npackages: [systemd-sysv, udev, dbus, openssh-server, rauc]\n' >"$p/recipes/base.yaml"
	printf 'kind: debian\npackages: [gcc, libc6-dev, make]\n' >"$p/recipes/tools.yaml"
	printf 'kind: run\nroot: tools\ninputs: [app.c]\nrun: [gcc -O2 -o app app.c]\noutputs: [app]\n' >"$p/recipes/app.yaml"
	cat >"$p/recipes/root.yaml" <<-'END'
		kind: image
		filesystem: ext4
		size: ${slots.root}
		contents: [{unpack: base}, {copy: app, to: /usr/bin/app}, {copy: rootfs/, to: /}]
	END
	# shellcheck disable=SC2016
	printf 'kind: image\nfilesystem: vfat\nsize: ${slots.boot}\ncontents: [{copy: boot.txt, to: /}]\n' >"$p/recipes/boot.yaml"
	cat >"$p/recipes/install.yaml" <<-'END'
		kind: disk
		table: gpt
		partitions:
		  - {name: boot, type: esp, from: boot, region: 2x}
		  - {name: root-a, type: linux-generic, from: root, size: "${slots.root}"}
		  - {name: root-b, type: linux-generic, from: root, size: "${slots.root}"}
		  - {name: data, type: linux-generic, size: 256M, filesystem: ext4}
	END
	printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' >"$p/recipes/pki.yaml"
	printf 'kind: bundle\ncompatible: bench\nversion: "1"\nimages: {rootfs: root, bootloader: boot}\nsign: pki\n' >"$p/recipes/bundle.yaml"
	"$orch" -C "$p" pki init >/dev/null
	"$orch" -C "$p" lock
}

# repository DIRECTORY STORE LOCK...: what the locks pin, out of orch's downloads, for apt; their names in
# DIRECTORY/names.
repository() {
	local d=$1 store=$2 name file sum
	shift 2
	rm -rf "$d"
	mkdir -p "$d"
	while read -r _ _ name _ _ file _ sum _; do
		cp "$store/downloads/$sum" "$d/${file##*/}"
		printf '%s,' "$name"
	done < <(grep -h '^package ' "$@") >"$d/names"
	(cd "$d" && dpkg-scanpackages -m . >Packages 2>/dev/null)
}

cold() { # keeps what was downloaded
	find "$work/store3" -mindepth 1 -maxdepth 1 ! -name downloads ! -name lock -exec rm -rf {} +
	"$orch" -C "$work/cold" --store "$work/store3" build --progress plain
}
hand() { tests/bench/by-hand.sh all "$work/cold" "$work/hand"; }
# After a fresh edit of the overlay.
edit() {
	date +%N >"$work/cold/rootfs/etc/motd"
	"$orch" -C "$work/cold" --store "$work/store3" build --progress plain
}
hand_edit() {
	date +%N >"$work/cold/rootfs/etc/motd"
	tests/bench/by-hand.sh edit "$work/cold" "$work/hand"
}

bench_cold() {
	[ "$(id -u)" = 0 ] || { missed "packages to bundle and disk" "by hand it takes root"; return; }
	make_cold >/dev/null
	seconds cold >/dev/null # downloads
	openssl req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=bench -keyout "$work/key" -out "$work/cert" 2>/dev/null
	mkdir "$work/hand"
	mv "$work/key" "$work/hand/key.pem"
	mv "$work/cert" "$work/hand/cert.pem"
	repository "$work/hand/base.repo" "$work/store3" "$work/cold/recipes/base.lock"
	repository "$work/hand/tools.repo" "$work/store3" "$work/cold/recipes/tools.lock"
	compare "packages to bundle and disk" "${ROUNDS:-3}" cold "by hand" hand
	compare "overlay edit to bundle and disk" "${ROUNDS:-3}" edit "by hand" hand_edit
}

# --- the reference project, when it is built
reference() { "$orch" -C "$work/reference" build "$@" --progress plain; }
# shellcheck disable=SC2317
reference_edit() {
	date +%N >"$work/reference/rootfs/etc/bench"
	reference bundle
}

bench_reference() {
	if [ "$("$orch" plan --json 2>/dev/null | jq '.build + .perhaps')" != 0 ]; then
		missed "reference project" "not built yet; ./dev bundle first"
		return
	fi
	alone "reference project, nothing to do" 5 "$orch" build --progress quiet
	mkdir "$work/reference"
	git ls-files -z | xargs -0 cp --parents -P -t "$work/reference" --
	cp -R pki "$work/reference/"
	seconds reference >/dev/null # all of it is cached; its outputs are placed
	alone "reference project, overlay edit to bundle" 1 reference_edit
}

# --- the reference project, cold and with one package more, against tests/bench/by-hand-arm64.sh. What orch
# downloads, once, is part of its time. It takes root, and 10 GB.
copy_locked() {
	mkdir -p "$work/arm64" "$work/hand64/source"
	git ls-files -z | xargs -0 cp --parents -P -t "$work/arm64" --
	"$orch" -C "$work/arm64" pki init && "$orch" -C "$work/arm64" lock
}
arm64() { "$orch" -C "$work/arm64" --store "$work/store64" build --progress plain; }
package_more() { (cd "$work/arm64" && sed -i 's/^packages:.*/&\n  - tzdata/' recipes/base.yaml && "$orch" lock base); }
# The same packages for the script, U-Boot's source, the emulator, and the project with its templates filled.
by_hand_inputs() {
	local p=$work/arm64/recipes h=$work/hand64 file sum
	filled || return
	repository "$h/system.repo" "$work/store64" "$p"/{minimal,build-base,platform,base}.lock
	repository "$h/toolchain.repo" "$work/store64" "$p/toolchain.lock"
	while read -r _ _ _ _ _ file _ sum; do
		cp "$work/store64/downloads/$sum" "$h/source/${file##*/}"
	done < <(grep '^source ' "$p/toolchain.lock")
	read -r _ _ _ _ _ _ _ sum _ < <(grep '^tool [^ ]* qemu-user ' "$p/base.lock")
	dpkg-deb --fsys-tarfile "$work/store64/downloads/$sum" | tar -xO ./usr/bin/qemu-aarch64 >"$h/emulator"
	chmod 755 "$h/emulator"
}
filled() {
	local p=$work/arm64
	{
		printf 'kind: run\nroot: toolchain\nrun: [tar -cf filled.tar custom_build rootfs]\noutputs: [filled.tar]\ninputs:\n'
		(cd "$p" && grep -rl '{{' custom_build rootfs | sed 's/.*/  - {template: &}/')
	} >"$p/recipes/filled.yaml"
	"$orch" -C "$p" --store "$work/store64" build filled || return
	rm -rf "$work/hand64/project"
	mkdir "$work/hand64/project"
	cp -R "$p/custom_build" "$p/rootfs" "$p/pki" "$work/hand64/project/"
	tar -C "$work/hand64/project" -xf "$p/out/filled/filled.tar"
	rm "$p/recipes/filled.yaml"
}
by_hand_arm64() { # all|package
	sh tests/e2e/real-dpkg-foreign-lib.sh "$work/hand64/emulator" \
		tests/bench/by-hand-arm64.sh "$1" "$work/hand64/project" "$work/hand64"
}

bench_arm64() {
	local step ours theirs
	[ "$(id -u)" = 0 ] || { missed "reference project, against a script" "by hand it takes root"; return; }
	seconds copy_locked >/dev/null
	for step in all package; do
		if { [ "$step" = package ] && ! seconds package_more >/dev/null; } || ! ours=$(spent arm64) ||
			! seconds by_hand_inputs >/dev/null || ! theirs=$(spent by_hand_arm64 "$step"); then
			missed "reference project, $step, against a script" "it fails"
			return
		fi
		tell_spent "reference project, ${step/all/cold}" "$ours" "by hand" "$theirs"
	done
}

# The call for one result, as h2load sends it: the message GetActionResultRequest with its frame.
asking_for() { # NAME OF A RESULT
	python3 - "$1" <<-'END'
		import hashlib, sys
		digest = b"\x0a\x40" + hashlib.sha256(sys.argv[1].encode()).hexdigest().encode() + b"\x10\x03"
		message = b"\x12" + bytes([len(digest)]) + digest + b"\x18\x01"
		sys.stdout.buffer.write(b"\0" + len(message).to_bytes(4, "big") + message)
	END
}
# Milliseconds that h2load takes for N of them over one connection, as many at once as orch has under way.
same_calls() { # PORT N
	h2load -n "$2" -c 1 -m 100 -d "$work/asked/call" -H 'content-type: application/grpc' -H 'te: trailers' \
		"http://127.0.0.1:$1/build.bazel.remote.execution.v2.ActionCache/GetActionResult" >"$work/log" &&
		grep -q " $2 succeeded" "$work/log" && sed -n 's/^finished in \([0-9.]*\)\(m\?s\),.*/\1 \2/p' "$work/log" |
		awk '{ print int($2 == "s" ? 1000 * $1 : $1) }'
}

# --- results of N keys against one FindMissingBlobs of the same digests, in an engine of the REAPI: none
# is there, then all are; and these against the same number of calls by h2load, in turn
bench_asked() {
	local place=$PWD/_build/tests/place n=${KEYS:-10000} url round words=()
	[ "$(id -u)" != 0 ] || { missed "results of $n keys" "engines run for an ordinary user only"; return; }
	tests/engines.sh get bazel-remote || { missed "results of $n keys" "bazel-remote cannot be had"; return; }
	tests/engines.sh start bazel-remote "$work/asked"
	url=grpc://127.0.0.1:$(cat "$work/asked/bazel-remote.port")
	for round in 1 2 3 4 5 6; do words+=(missing clock ask clock); done
	for round in none all; do
		[ "$round" = none ] || "$place" "$url" blobs "$n" 300 1 put results text >"$work/log" 2>&1
		if ! "$place" "$url" hello blobs "$n" 300 1 clock "${words[@]}" >"$work/log" 2>"$work/clock"; then
			missed "results of $n keys, $round there" "it fails"
			continue
		fi
		# The first round warms up.
		mapfile -t round_ms < <(grep -x '[0-9]*' "$work/clock" | tail -n 10)
		tell "results of $n keys, $round there" \
			"$(in_s "$(middle "${round_ms[1]}" "${round_ms[3]}" "${round_ms[5]}" "${round_ms[7]}" "${round_ms[9]}")")" \
			FindMissingBlobs \
			"$(in_s "$(middle "${round_ms[0]}" "${round_ms[2]}" "${round_ms[4]}" "${round_ms[6]}" "${round_ms[8]}")")"
	done
	# The API has no call for many results: what is there takes one each, and most of it is the server's.
	bench_calls "$url" "$n"
	words=(hello blobs "$n" 300 1)
	tell_here "$(spent "$place" "$url" "${words[@]}" ask ask ask ask ask)" \
		"$(spent "$place" "$url" "${words[@]}" missing missing missing missing missing)"
	tests/engines.sh stop "$work/asked"
}
bench_calls() { # URL N
	local round ours=() theirs=()
	command -v h2load >/dev/null || { missed "$2 results, call by call" "h2load is not installed"; return; }
	"$place" "$1" result one one >"$work/log" 2>&1
	asking_for one >"$work/asked/call"
	for round in 1 2 3 4 5; do
		ours+=("$("$place" "$1" hello blobs "$2" 300 1 clock ask clock 2>&1 | grep -x '[0-9]*' | tail -n 1)")
		theirs+=("$(same_calls "${1##*:}" "$2")")
	done
	tell "  of all, call by call" "$(in_s "$(middle "${ours[@]}")")" "h2load, the same calls" \
		"$(in_s "$(middle "${theirs[@]}")")"
}
tell_here() { tell "  five times, processor time here alone" "${1#* }" FindMissingBlobs "${2#* }"; }
in_s() { awk -v ms="$1" 'BEGIN { printf "%.3f\n", ms / 1000 }'; }

# --- a machine that has nothing, and a warm cache: to the bundle, against curl of the bundle, both through one
# proxy that lets 12.5 MB/s through (100 Mbit/s)
make_fresh() { # DIRECTORY
	mkdir -p "$1/recipes"
	cat >"$1/recipes/base.yaml" <<-'END'
		kind: run
		root: host
		share: true
		run:
		  - mkdir tree
		  - tar -C / -c usr/include usr/share/perl | tar -C tree -x --no-same-owner
		  - find tree \( -type l -o -perm /6000 \) -delete
		  - grep -rlZ -e '-----BEGIN .*PRIVATE KEY' tree | xargs -0 rm -f
		  - head -c 60M /dev/urandom >tree/usr/data # what a device has of packed files
		  - tar -C tree -cf base.tar .
		outputs: [base.tar]
	END
	printf 'schema: 1\nname: fresh\nversion: "1"\ntimes: 1700000000\ndefault: [bundle]\n' >"$1/recipes/project.yaml"
	printf 'kind: image\nfilesystem: ext4\nsize: 512M\ncontents: [{unpack: base}]\n' >"$1/recipes/root.yaml"
	printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' >"$1/recipes/pki.yaml"
	printf 'kind: bundle\ncompatible: fresh\nversion: "1"\nimages: {rootfs: root}\nsign: pki\n' >"$1/recipes/bundle.yaml"
	"$orch" -C "$1" pki init
}

bench_fresh() {
	local port proxy p=$work/fresh run=$work/web
	PATH=$PATH:/usr/sbin command -v nginx >/dev/null || { missed "a fresh machine" "nginx is not installed"; return; }
	tests/engines.sh start nginx "$run"
	if ! make_fresh "$p" >"$work/log" 2>&1 ||
		! ORCH_CACHE=http://127.0.0.1:$(cat "$run/nginx.port")/c "$orch" -C "$p" --store "$work/store5" build \
			--remote-write --progress plain >"$work/log" 2>&1; then
		tail -n 20 "$work/log" >&2
		missed "a fresh machine" "it fails"
		tests/engines.sh stop "$run"
		return
	fi
	cp -L "$p"/out/bundle/*.raucb "$run/nginx/root/bundle"
	rm -rf "$p/pki/private"
	coproc PROXY { exec python3 tests/bench/slow-proxy.py "$(cat "$run/nginx.port")" 12500000; }
	proxy=$PROXY_PID
	read -r port <&"${PROXY[0]}"
	# shellcheck disable=SC2317
	nothing() { rm -rf "$work/store6" "$p/out" "$work/bundle"; }
	# shellcheck disable=SC2317
	ours() {
		ORCH_CACHE=http://127.0.0.1:$port/c "$orch" -C "$p" --store "$work/store6" build --progress plain &&
			grep -q 'built 0, ' "$work/log"
	}
	# shellcheck disable=SC2317
	theirs() { curl -sSf -o "$work/bundle" "http://127.0.0.1:$port/bundle" && sync "$work/bundle"; }
	echo "  ($(du -m "$run/nginx/root/bundle" | cut -f1) MB at 100 Mbit/s)"
	compare "a fresh machine, a warm cache, to the bundle" "${ROUNDS:-3}" ours curl theirs nothing
	cmp "$p"/out/bundle/*.raucb "$run/nginx/root/bundle" || missed "a fresh machine" "it has other bytes"
	kill "$proxy"
	tests/engines.sh stop "$run"
}

# --- a tree of some 300 MB in which a package of 2 MB becomes another: what of it goes into a shared directory
# that has the tree as it was, and comes into a store that has it, and how long that takes
make_bumped() { # DIRECTORY
	mkdir -p "$1/recipes"
	head -c 2M /dev/urandom >"$1/package"
	cat >"$1/recipes/tree.yaml" <<-'END'
		kind: run
		root: host
		share: true
		inputs: [package]
		run:
		  - mkdir tree
		  - tar -C / -c usr/include usr/lib/gcc usr/share/perl | tar -C tree -x --no-same-owner
		  - find tree \( -type l -o -perm /6000 \) -delete
		  - grep -rlZ -e '-----BEGIN .*PRIVATE KEY' tree | xargs -0 rm -f
		  - mkdir -p tree/usr/lib/package; cp package tree/usr/lib/package/
		  - tar -C tree --sort=name -cf tree.tar .
		outputs: [tree.tar]
	END
	printf 'schema: 1\nname: bumped\nversion: "1"\ntimes: 1700000000\n' >"$1/recipes/project.yaml"
}
bench_bumped() {
	local p=$work/bumped at=file://$work/shared-bumped before up down moved
	make_bumped "$p"
	# shellcheck disable=SC2317
	ours() { ORCH_CACHE=$at "$orch" -C "$p" --store "$work/$1" cache "$2" --json; }
	if ! "$orch" -C "$p" --store "$work/store9" build tree >"$work/log" 2>&1 ||
		! ours store9 push >"$work/log" 2>&1 || ! ours store10 pull >"$work/log" 2>&1; then
		tail -n 20 "$work/log" >&2
		missed "one package bumped" "it fails"
		return
	fi
	before=$(du -sb "$work/shared-bumped/cas" | cut -f1)
	head -c 2M /dev/urandom >"$p/package"
	if ! "$orch" -C "$p" --store "$work/store9" build tree >"$work/log" 2>&1 || ! up=$(seconds ours store9 push) ||
		! down=$(seconds ours store10 pull); then
		missed "one package bumped" "it fails"
		return
	fi
	moved=$(jq .received "$work/log")
	awk -v n="$(($(du -sb "$work/shared-bumped/cas" | cut -f1) - before))" -v all="$(stat -Lc %s "$p/out/tree/tree.tar")" \
		-v up="$up" -v down="$down" -v moved="$moved" 'BEGIN { printf "%-46s %.1f MB up in %.1f s, %.1f MB down in %.1f s, of %.0f MB: %.1f %%\n",
			"one package of 2 MB bumped", n / 1e6, up, moved / 1e6, down, all / 1e6, 100 * n / all }'
}

# --- an image of 2 GiB with 300 MB of data into a shared directory and out of it, against cp --sparse
bench_large() {
	local p=$work/large at=file://$work/shared
	mkdir -p "$p/recipes"
	printf 'schema: 1\nname: large\ndefault: [disk]\n' >"$p/recipes/project.yaml"
	cat >"$p/recipes/disk.yaml" <<-'END'
		kind: run
		root: host
		share: true
		run:
		  - truncate -s 2G x.img
		  - for i in 0 300 900 1500 2000; do dd if=/dev/urandom of=x.img bs=1M seek=$i count=60 conv=notrunc; done
		outputs: [x.img]
	END
	seconds "$orch" -C "$p" --store "$work/store7" build >/dev/null || { missed "2 GiB" "it fails"; return; }
	# shellcheck disable=SC2317
	ours() { rm -rf "$work/shared" && ORCH_CACHE=$at "$orch" -C "$p" --store "$work/store7" cache push; }
	# shellcheck disable=SC2317
	theirs() { rm -f "$work/copy" && cp --sparse=always "$p/out/disk/x.img" "$work/copy" && sync "$work/copy"; }
	compare "2 GiB, 300 MB of data, into a directory" "${ROUNDS:-3}" ours "cp --sparse" theirs
	# shellcheck disable=SC2317
	ours() { rm -rf "$work/store8" && ORCH_CACHE=$at "$orch" -C "$p" --store "$work/store8" cache pull; }
	compare "2 GiB, 300 MB of data, out of it" "${ROUNDS:-3}" ours "cp --sparse" theirs
}

# --- two workers of a farm against one: 40 nodes that wait five seconds each
bench_farm() {
	local w local=() one two
	[ "$(id -u)" != 0 ] || { missed "two workers and one" "they run for an ordinary user only"; return; }
	tests/engines.sh get casd || { missed "two workers and one" "buildbox cannot be had"; return; }
	# Without FUSE each action gets copies of all its inputs, which is most of what a worker does then.
	if ! { command -v fusermount3 && [ -w /dev/fuse ]; } >/dev/null; then
		echo "  (without /dev/fuse and fusermount3, inputs are copied)"
		local=(--runner-arg=--disable-localcas)
	fi
	for w in 1 2; do
		# shellcheck disable=SC2086,SC2154
		tests/engines.sh start casd "$work/w$w" --buildbox-run="$engines/buildbox-run" --jobs=4 "${local[@]}" $mounts
	done
	farm_project "$work/farm"
	farm_build 2 warm >/dev/null # sends the worker to both
	one=$(farm_build 1 one) two=$(farm_build 2 two)
	tests/engines.sh stop "$work/w1"
	tests/engines.sh stop "$work/w2"
	tell "40 nodes that wait 5 s: two workers, one" "$two" "one worker" "$one"
}

farm_project() { # DIRECTORY
	local i
	mkdir -p "$1/recipes" "$work/farm-config/orch"
	printf 'remote:\n  platform: {unixUID: "1000", unixGID: "1000"}\n  jobs: 16\n' >"$work/farm-config/orch/config.yaml"
	printf 'schema: 1\nname: farm\nversion: "1"\ndefault: [all]\n' >"$1/recipes/project.yaml"
	host_tree "$1" /bin/sh /bin/sleep
	for ((i = 1; i <= 40; i++)); do
		printf 'kind: run\nroot: tree\ninputs: [what]\nrun: ["sleep 5; echo %d >x"]\noutputs: [x]\n' "$i" >"$1/recipes/n$i.yaml"
	done
	printf 'kind: group\nnodes: [%s]\n' "$(seq -s ', ' -f 'n%g' 40)" >"$1/recipes/all.yaml"
}

farm_build() { # WORKERS WHAT
	local w urls=
	echo "$2" >"$work/farm/what"
	for ((w = 1; w <= $1; w++)); do urls="$urls grpc://127.0.0.1:$(cat "$work/w$w/casd.port")"; done
	seconds env ORCH_STORE="$work/farm-store" ORCH_EXECUTOR="$urls" XDG_CONFIG_HOME="$work/farm-config" \
		"$orch" -C "$work/farm" build
}

# --- orch's own process while it shows a node that prints 1 MB/s on a terminal: a part of one processor
bench_face() {
	local both
	if ! both=$(python3 tests/bench/face.py "$orch" "$work/face"); then
		missed "a node of 1 MB/s on a terminal" "it fails"
		return
	fi
	tell "a node of 1 MB/s on a terminal" "${both% *}" "one processor" "${both#* }"
	bench_tab
}
# 50 times each: the version, and a node's name of this project, as bash asks for it.
bench_tab() {
	local i git=/usr/share/bash-completion/completions/git
	# shellcheck disable=SC2317
	ours() { for ((i = 0; i < 50; i++)); do "$orch" --version; done; }
	# shellcheck disable=SC2317
	theirs() { for ((i = 0; i < 50; i++)); do git --version; done; }
	compare "--version, 50 times" 5 ours git theirs
	[ -r "$git" ] || { missed "completion" "no '$git'"; return; }
	"$orch" completion bash >"$work/completion"
	# shellcheck disable=SC2317
	ours() { bash tests/bench/tab.sh "$work/completion" "$orch" why roo; }
	# shellcheck disable=SC2317
	theirs() { bash tests/bench/tab.sh "$git" git checkout mai; }
	compare "a node's name, or a branch's, by tab, 50 times" 5 ours git theirs
}

# --- the reference project after an edit of its packages, and that of another checkout with the orch built
# there: OTHER=DIR. Each is built once, which takes long, with a store in $STORES/ours and theirs if that is said.
whose() { # ours|theirs: the checkout
	if [ "$1" = ours ]; then echo "$top"; else echo "$OTHER"; fi
}
in_copy() { # ours|theirs ORCH-ARGUMENT...
	local who=$1
	shift
	"$(whose "$who")/_build/engine/cli/orch" -C "$work/$who" --store "${STORES:-$work/stores}/$who" "$@"
}
# Each project as it is, with what the archive has today in place of what it has dropped.
copy_built() { # ours|theirs
	local from
	[ ! -d "$work/$1.recipes" ] || return 0
	from=$(whose "$1")
	rm -rf "${work:?}/$1"
	mkdir -p "$work/$1" "${STORES:-$work/stores}"
	(cd "$from" && git ls-files -z | xargs -0 cp --parents -P -t "$work/$1" -- && cp -R pki "$work/$1/") &&
		{ [ -e "$work/$1/pki/private/signer.key" ] || in_copy "$1" pki init; } &&
		in_copy "$1" lock && in_copy "$1" build && cp -R "$work/$1/recipes" "$work/$1.recipes"
}
# The edits, in the project's directory; true when it is another one now.
edit_tzdata() { sed -i 's/^packages:.*/&\n  - tzdata/' recipes/base.yaml && in_copy "$1" lock base; }
edit_libssl3() { in_copy "$1" lock base --update libssl3t64; }
edit_kernel() { in_copy "$1" lock --update linux-image-arm64; }
edited() { # ours|theirs WHAT
	(cd "$work/$1" && "edit_$2" "$1" && ! diff -r recipes "$work/$1.recipes")
}
restored() { rm -rf "$work/$1/recipes" && cp -R "$work/$1.recipes" "$work/$1/recipes"; }
# The lock takes the network, and its time is nobody's.
bench_edit() { # WHAT
	local who time=()
	if [ ! -x "${OTHER:-}/_build/engine/cli/orch" ]; then
		missed "reference project, $1" "OTHER=DIR names no checkout with an orch to compare with"
		return
	fi
	for who in ours theirs; do
		if ! seconds copy_built "$who" >/dev/null || ! seconds edited "$who" "$1" >/dev/null ||
			! time+=("$(spent in_copy "$who" build)"); then
			missed "reference project, $1" "it fails for $who, or the archive has no such version"
			return
		fi
		restored "$who"
	done
	tell_spent "reference project, $1" "${time[0]}" "$OTHER" "${time[1]}"
}
bench_tzdata() { bench_edit tzdata; }
bench_libssl3() { bench_edit libssl3; }
bench_kernel() { bench_edit kernel; }

[ $# -gt 0 ] || set -- noop variants ext4 delta chunks face query diff cold asked fresh bumped large farm reference ${OTHER:+tzdata libssl3 kernel}
echo "$(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg)"
for what; do "bench_$what"; done
exit $failed
