#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch demo: by itself to its end, by keys on a terminal, and stopped in the middle. Its board is real (TCG), so
# each start takes a minute or two.
. tests/e2e/lib.sh
tests=$PWD/tests/e2e
cd "$scratch" || exit 1
store=${ORCH_STORE:-$scratch/store}
export ORCH_STORE="$store" TERMINAL_LIMIT=1200

# What a run leaves behind: its emulator, its card.
nothing_left() {
	same "$1-leaves-no-process" '' "$(pgrep -f "$store/tmp/demo\\." 2>&1)"
	same "$1-leaves-no-card" '' "$(find "$store/tmp" -maxdepth 1 -name 'demo.*' 2>&1)"
}

mkdir filled && touch filled/file
code a-filled-directory-is-refused 2 "$orch" demo --script filled
check which-is-said grep -q "is not empty, and is not a project" err
same and-nothing-is-left-beside-it '' "$(find . -name '.orch-demo*')"

code by-itself 0 "$orch" demo --script p
# in this order
sed -n -e 's/.*\(== .*\)/\1/p' -e 's/.*\(BOOT: slot .\) .*/\1/p' -e 's/.*\(-- power cut\).*/\1/p' \
	-e 's/.*\(demo-app [0-9.]*: slot .: [a-z]*\).*/\1/p' out >seen
same course "BOOT: slot A
demo-app 1.0.0: slot A: up
-- power cut
BOOT: slot A
demo-app 1.0.0: slot A: up
BOOT: slot B
demo-app 2.0.0: slot B: up
BOOT: slot A
demo-app 3.0.0: slot A: broken
BOOT: slot B
demo-app 2.0.0: slot B: up
-- power cut" "$(grep -v '^==' seen | uniq)"
check environment-of-the-update grep -q '^== boot environment: ORDER=B A; A_OK=1; A_TRY=0; B_OK=1; B_TRY=0' seen
check environment-of-the-fallback grep -q '^== boot environment: ORDER=A B; A_OK=1; A_TRY=1; B_OK=1; B_TRY=0' seen
check the-end grep -q '^== all was seen' seen
nothing_left by-itself

# From here on all is built, and the project is the one of before.
python3 "$tests/terminal.py" 'commands can be run=u' 'marked slot rootfs.0=u' '6% Copying image=x' 'power cut=s' 'boot environment=r' \
	'BOOT: slot A=s' 'boot environment=q' -- "$orch" demo p >keys 2>&1
check too-early-is-said grep -q "wait for 'marked slot'" keys
check keys-are-shown grep -q 'u update  b broken  x cut power  r reboot  s slots  q quit' keys
same q-ends-it 'exit 0 restored' "$(tail -n 2 keys | paste -sd ' ')"
same what-keys-did '== installing version 2 -- power cut == boot environment -- power on' \
	"$(grep -o -E '== installing version 2|-- power (cut|on)|== boot environment' keys | sed -n 2,5p | paste -sd ' ')"
nothing_left keys

cat >narrow.py <<'END'
import sys
from screen import Screen

orch = sys.argv[1]
s = Screen(40, 24, ["bash", "--norc", "-i"], env={"PS1": "HERE "}, limit=600)
s.wait("HERE")
s.type(orch + " demo p\r")
s.wait("q quit")
print("narrow:", s.lines()[[i for i, l in enumerate(s.lines()) if l.startswith("[o")][0] + 1])
s.resize(20, 10)
s.wait("BOOT: sl")
s.resize(100, 30)
s.wait("[on, slot A]  u update  b broken  x cut power  r reboot  s slots  q quit")
s.type("\x1a")
s.wait("Stopped")
s.type("clear; echo we are in a she''ll\r")
s.wait("we are in a shell")
print("stopped:", "u update" not in s.text())
s.type("fg\r")
s.wait("[on, slot A]  u update")
s.type("\x03")
while [l for l in s.lines() if l][-1] != "HERE" and s.read(1):  # the prompt is there when all has been restored
    pass
s.type("echo code $?\r")
s.wait("code 130")
print("ended:", "u update" not in s.text())
s.type("exit\r")
s.end()

s = Screen(60, 24, [orch, "demo", "p"], env={"TERM": "dumb"}, limit=600)
s.wait("[on, slot -]")
s.type("q")
print("dumb:", s.end(), b"\x1b" in s.raw, s.restored())
END
PYTHONPATH=$tests python3 narrow.py "$orch" >narrow 2>&1
same what-a-narrow-terminal-shows 'x cut power  r reboot  s slots  q quit' "$(sed -n 's/^narrow: //p' narrow)"
same ctrl-z-and-fg True "$(sed -n 's/^stopped: //p' narrow)"
same ctrl-c True "$(sed -n 's/^ended: //p' narrow)"
same a-terminal-that-can-do-nothing '0 False True' "$(sed -n 's/^dumb: //p' narrow)"
nothing_left ctrl-c

"$orch" demo p </dev/null >out 2>&1 &
pid=$!
for _ in $(seq 600); do
	grep -q 'BOOT: slot A' out && break
	sleep 1
done
kill "$pid"
wait "$pid"
same killed 143 $?
check that-nobody-can-press-keys-is-said grep -q 'the demo plays by itself' out
nothing_left killed
finish
