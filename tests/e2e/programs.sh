#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch and its worker: where the one finds the other, and that both must be of one build.
. tests/e2e/lib.sh
p=$scratch/p
export ORCH_STORE="$scratch/store"
small_project "$p"

echo "# installed"
inst=$scratch/inst
mkdir -p "$inst/bin" "$inst/libexec/orch" "$scratch/elsewhere"
copy_orch "$ORCH" "$inst/bin"
mv "$inst/bin/orch-worker" "$inst/libexec/orch/"
ln -s "$inst/bin/orch" "$scratch/elsewhere/orch"
# None of these may be asked.
for place in "$scratch/elsewhere" "$p"; do
	printf '#!/bin/sh\ntouch "%s"\n' "$scratch/wrong" >"$place/orch-worker"
	chmod 755 "$place/orch-worker"
done
orch=$inst/bin/orch
code "builds" 0 "$orch" -C "$p" build all
check "out/ is there" test -s "$p/out/all/sum"
code "a command of the worker" 0 "$orch" -C "$p" check
code "an option after its argument" 2 "$orch" -C "$p" lock all --update
check "means the same to the worker" grep -q "node 'all' of kind 'run' has no lock" "$scratch/err"
cd "$p" || exit 1
code "by a link, and by PATH" 0 env PATH="$scratch/elsewhere:$p:$PATH" orch build leaf1
code "in another directory" 0 env PATH="$scratch/elsewhere:$p:$PATH" orch check
check "no other program of that name ran" test ! -e "$scratch/wrong"

echo "# not both"
rm -rf "$ORCH_STORE" "$p/out"
mv "$inst/libexec/orch/orch-worker" "$inst/kept"
code "without the worker, a build" 7 "$orch" build all
check "says what is missing" grep -q "worker program is missing, .*libexec/orch/orch-worker': install orch again" "$scratch/err"
code "a command of the worker" 7 "$orch" check
check "says it, too" grep -q "worker program is missing" "$scratch/err"
code "what needs no worker" 0 "$orch" plan all
if cmp -s "$ORCH" "$ORCH_ASAN"; then
	skip "there is one build only"
else
	mkdir "$scratch/asan"
	copy_orch "$ORCH_ASAN" "$scratch/asan"
	mv "$scratch/asan/orch-worker" "$inst/libexec/orch/"
	code "with the worker of another build, a build" 7 "$orch" build all
	check "says so" grep -q "orch-worker' is of another build than this orch: install both together" "$scratch/err"
	code "a command of the worker" 7 "$orch" check
	check "says it, too" grep -q "is of another build than the orch that started it" "$scratch/err"
	check "nothing was built" test ! -e "$p/out"
fi
cp /bin/true "$inst/libexec/orch/orch-worker"
code "with another program in its place" 7 "$orch" build all
check "says how it ended" grep -q "orch-worker' does not start: it exited with 0" "$scratch/err"
mv "$inst/kept" "$inst/libexec/orch/orch-worker"
code "whole again" 0 "$orch" build all
code "the worker is for orch alone" 2 "$inst/libexec/orch/orch-worker" build
finish
