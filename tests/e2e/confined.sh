#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Programs of this machine that orch starts see the files they are given, and nothing else of it. In their
# place stands a script that looks around and then becomes the real one.
# timeout: 300
. tests/e2e/lib.sh
here=$PWD
export ORCH_STORE="$scratch/store"
cp "$ORCH" "$scratch/orch"
orch=$scratch/orch
mkdir -p "$scratch/bin" "$scratch/home" "$scratch/p/recipes"
echo canary >"$scratch/home/canary"
sleep 300 &
outside=$!
trap 'kill $outside 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
# spy PROGRAM NETWORK: what it got is told on stderr, which goes to the log
spy() {
	cat >"$scratch/bin/$1" <<END
#!/bin/sh
case "\$*" in --version | -version) exec $(command -v "$1") "\$@" ;; esac
{
	echo "SPY $1 \$*"
	if cat "$scratch/home/canary"; then echo "GOT the home"; fi
	if ls "$scratch/p/recipes"; then echo "GOT the project"; fi
	if ls "$ORCH_STORE/state.sqlite"; then echo "GOT the store"; fi
	if ls /proc/$outside; then echo "GOT other processes"; fi
	if touch /etc/x /usr/x; then echo "GOT the machine"; fi
	if unshare -r true; then echo "GOT namespaces"; fi
	if [ $2 = no ] && grep -v lo: /proc/net/dev | grep :; then echo "GOT the network"; fi
} >&2
exec $(command -v "$1") "\$@"
END
	chmod +x "$scratch/bin/$1"
}
for program in rauc mksquashfs dot; do spy $program no; done
PATH=$scratch/bin:$PATH
# confined NAME FILE: what the spies told there
confined() {
	check "$1: it was started" grep -q "SPY $1 " "$2"
	lacks "$1: what it gets" 'GOT' "$2"
}
cd "$scratch/p" || exit 1
printf 'schema: 1\nname: confined\nversion: "1"\n' >recipes/project.yaml
cp "$here/recipes/pki.yaml" recipes/
printf 'kind: image\nfilesystem: ext4\nsize: 8M\ncontents: [{copy: noise, to: /}]\n' >recipes/root.yaml
head -c 100000 /dev/urandom >noise
printf 'kind: bundle\ncompatible: x\nversion: "1"\nimages: {rootfs: root}\nsign: pki\n' >recipes/bundle.yaml
check "keys" "$orch" pki init
code "a bundle" 0 "$orch" build bundle
"$orch" log bundle >"$scratch/log"
for program in rauc mksquashfs; do confined $program "$scratch/log"; done
code "a picture" 0 "$orch" graph --format svg
check "it is one" grep -q '<svg' "$scratch/out"
confined dot "$scratch/err"
finish
