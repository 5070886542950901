# shellcheck shell=sh
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
digests() { (cd "$1" && find out -type f ! -name '.*' -exec sha256sum {} + | sort); }
