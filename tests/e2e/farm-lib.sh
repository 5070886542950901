# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# For scripts about farms:  . tests/e2e/farm-lib.sh

# host_tree PROJECT PROGRAM...: node 'tree', a root of this machine's programs with what they load.
host_tree() {
	host_tree_file=$1/recipes/tree.yaml
	shift
	cat >"$host_tree_file" <<END
kind: run
root: host
run:
  - |
    mkdir -p r/usr/bin
    cp $* r/usr/bin/
    for l in \$(ldd $* | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
      mkdir -p r/usr/\$(dirname \$l); cp -L \$l r/usr/\$l
    done
    for d in bin lib lib64; do ln -s usr/\$d r/\$d; done
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C r -cf root.tar .
outputs: [root.tar]
END
}

# boot_and_card PROJECT: nodes 'boot', of rootfs/etc/large, and 'card', of it and of the image 'root'.
boot_and_card() {
	cat >"$1/recipes/boot.yaml" <<'END'
kind: image
filesystem: vfat
size: 40M
contents: [{copy: rootfs/etc/large, to: /}]
END
	cat >"$1/recipes/card.yaml" <<'END'
kind: disk
partitions:
  - {name: boot, type: esp, from: boot}
  - {name: root-a, type: root-arm64, from: root, size: 70M}
END
}

# digests PROJECT: of all outputs; orch's out/ are copies.
digests() { (cd "$1" && find out -type f ! -name '.*' ! -name '*.provenance.*' -exec sha256sum {} + | sort); }

# --- a farm of our own: workers of buildbox-casd, each in $workers/NAME ---------------------------
# They are stopped when the script ends. $XDG_CONFIG_HOME is the scripts' own.
workers=$scratch/workers
engines=${ORCH_ENGINES:-${XDG_CACHE_HOME:-$HOME/.cache}/orch-engines}
export XDG_CONFIG_HOME="$scratch/config"
mkdir -p "$workers" "$XDG_CONFIG_HOME/orch"
stop_workers() {
	for stopped in "$workers"/*/; do tests/engines.sh stop "$stopped" 2>/dev/null; done
	# shellcheck disable=SC2086
	[ -z "${helpers:-}" ] || kill $helpers 2>/dev/null
}
trap 'stop_workers; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT

# What a worker's sandbox has beside the node's inputs: the machine's programs.
mounts=
for m in /usr:/usr /usr/bin:/bin /usr/sbin:/sbin /usr/lib:/lib /usr/lib64:/lib64 /etc:/etc; do
	[ ! -e "${m%%:*}" ] || mounts="$mounts --runner-arg=--ro-bind-mount=$m"
done
worker() { # NAME [WORD...]: words of buildbox-casd
	worker_name=$1
	shift
	# shellcheck disable=SC2086
	tests/engines.sh start casd "$workers/$worker_name" --buildbox-run="$engines/buildbox-run" \
		--runner-arg=--disable-localcas --jobs=2 --cache-failures=false $mounts "$@"
}
url() { echo "grpc://127.0.0.1:$(cat "$workers/$1/casd.port")"; }
farm() { # URL...: the executors of the user's configuration
	cat >"$XDG_CONFIG_HOME/orch/config.yaml" <<END
remote:
  executor: "$*"
  platform: {unixUID: "1000", unixGID: "1000"}
  jobs: 4
END
}
# liar: a worker of that name, which adds to the first output of each action before its engine sees it.
liar() {
	mkdir "$scratch/liar"
	ln -s "$engines"/buildbox-* "$scratch/liar/"
	cat >"$scratch/liar/bwrap" <<'END'
#!/bin/bash
/usr/bin/bwrap "$@"
result=$?
while [ $# -gt 2 ]; do
	if [ "$1" = --bind ] && [ "$3" = / ] && [ -e "$2/out/0" ]; then
		echo lie >>"$2/out/0"
	fi
	shift
done
exit $result
END
	chmod 755 "$scratch/liar/bwrap"
	(export ORCH_ENGINES="$scratch/liar" && worker liar)
}
