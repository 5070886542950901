#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# orch flash --provision: a card for each unit of a factory, onto files that stand for cards.
. tests/e2e/lib.sh
p=$scratch/p
mkdir -p "$p/recipes" "$p/files" "$p/factory/certificates"
cd "$p" || exit 1
export ORCH_STORE="$scratch/store" LC_ALL=C.UTF-8
copy_orch "$ORCH_ASAN" "$scratch"
orch=$scratch/orch
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
printf 'schema: 1\nname: acme\nversion: 1.4.0\n' >recipes/project.yaml
echo ours >files/golden
head -c 400000 /dev/urandom >files/much
cat >recipes/state.yaml <<'END'
kind: image
filesystem: ext4
size: 24M
label: state
contents: [{copy: files, to: /}]
END
cat >recipes/card.yaml <<'END'
kind: disk
table: gpt
partitions:
  - {name: slot, type: root-arm64, size: 8M, filesystem: ext4}
  - {name: state, type: linux-generic, from: state, grow: true}
END
cat >factory/provision.yaml <<'END'
partition: state
files:
  - {to: /serial, text: "${serial}\n"}
  - {to: /token, text: "${token}", mode: "0600 990:990"}
  - {to: /tls/, mode: "0700"}
  - {to: /tls/certificate.pem, from: "certificates/${serial}.pem"}
  - {to: /ssh/ssh_host_ed25519_key, ssh-key: ed25519}
END
printf '\357\273\277serial,token\r\nA1, t-1\r\n# a comment\nA2,t-2\n\nA3,t-3\nA4,t-4\nA5,t-5\n' >factory/units.csv
for n in 1 2 3 4 5; do echo "certificate $n" >factory/certificates/A$n.pem; done
check build "$orch" build card state
image=$p/out/card/card.img
card() { truncate -s 64M "$scratch/$1"; } # NAME
flash() { "$orch" flash --provision factory card --yes "$@"; }
done_units() { jq -r .serial factory/units.jsonl | paste -sd ' '; }
# part CARD: its partition 'state' as a file of its own.
part() {
	sfdisk -d "$scratch/$1" | sed -n 's/^.*start= *\([0-9]*\), size= *\([0-9]*\).*name="state".*/\1 \2/p' >"$scratch/where"
	read -r part_start part_size <"$scratch/where"
	dd if="$scratch/$1" of="$scratch/part" bs=512 skip="$part_start" count="$part_size" status=none
}
of_part() { debugfs -R "$1" "$scratch/part" 2>/dev/null; } # COMMAND

echo "# one unit"
card one
code one 0 flash "$scratch/one"
check is-told grep -qx "unit 'A1' is on $scratch/one" "$scratch/out"
part one
code sound 0 e2fsck -fn "$scratch/part"
same serial A1 "$(of_part 'cat /serial')"
same golden-stays ours "$(of_part 'cat /golden')"
same token t-1 "$(of_part 'cat /token')"
same token-is-whose '600 990 990' "$(of_part 'stat /token' | sed -n -E 's/.*Mode: +0?([0-7]+).*/\1/p; s/^User: +([0-9]+) +Group: +([0-9]+).*/\1 \2/p' | paste -sd ' ')"
same directory 700 "$(of_part 'stat /tls' | sed -n -E 's/.*Mode: +0?([0-7]+).*/\1/p')"
same its-certificate 'certificate 1' "$(of_part 'cat /tls/certificate.pem')"
of_part 'cat /ssh/ssh_host_ed25519_key' >"$scratch/key"
chmod 600 "$scratch/key"
same key-fits-its-public-half "$(of_part 'cat /ssh/ssh_host_ed25519_key.pub' | cut -d' ' -f1,2)" "$(ssh-keygen -y -f "$scratch/key" | cut -d' ' -f1,2)"
same line "1 A1 card sha256:$(sha256sum <"$image" | cut -d' ' -f1) $scratch/one" \
	"$(jq -r '[.v, .serial, .node, .image, .device] | join(" ")' factory/units.jsonl)"
same public-key "$(of_part 'cat /ssh/ssh_host_ed25519_key.pub')" "$(jq -r '.keys["/ssh/ssh_host_ed25519_key"]' factory/units.jsonl)"
same no-private-key '' "$(grep -rlF -- "$(sed -n 3p "$scratch/key")" factory "$scratch/store")"
same same-identity "$(dumpe2fs -h out/state/state.img 2>/dev/null | grep -E 'UUID|volume name|Block count|Inode count|Hash Seed')" \
	"$(dumpe2fs -h "$scratch/part" 2>/dev/null | grep -E 'UUID|volume name|Block count|Inode count|Hash Seed')"
# All before the partition is the image, but for the table's first two sectors, whose backup has moved.
check image-is-before-it cmp -n $((part_start * 512 - 17408)) -i 17408 "$image" "$scratch/one"
code table 0 sfdisk --verify "$scratch/one"

echo "# several at once"
card two && card three
code two-of-them 0 flash --json "$scratch/two" "$scratch/three"
same a-line-each 'A2 A3' "$(jq -r .serial "$scratch/out" | LC_ALL=C sort | paste -sd ' ')"
same all-done 'A1 A2 A3' "$(done_units | tr ' ' '\n' | LC_ALL=C sort | paste -sd ' ')"
part three
same its-own "$(jq -r --arg d "$scratch/three" 'select(.device == $d).serial' factory/units.jsonl)" "$(of_part 'cat /serial')"
same keys-differ 3 "$(jq -r '.keys[]' factory/units.jsonl | sort -u | wc -l)"
code same-card-twice 2 flash "$scratch/two" "$scratch/two"
code more-cards-than-units 2 flash "$scratch/one" "$scratch/two" "$scratch/three"
says is-said "2 units are left in 'factory/units.csv', and these are 3 devices"
same nothing-was-written A1 "$(part one && of_part 'cat /serial')"

echo "# what is interrupted"
mkdir -p factory/.taken
flock -o factory/.taken/A4 sleep 60 &
holder=$!
while flock -n factory/.taken/A4 true; do sleep 0.1; done
code another-has-it 9 flash --unit A4 "$scratch/one"
says by-name "unit 'A4' is being written elsewhere"
card five
code the-next-one 0 flash "$scratch/five"
same is-not-it A5 "$(part five && of_part 'cat /serial')"
kill $holder
wait $holder 2>/dev/null
printf '{"v":1,"serial":"A4","no' >>factory/units.jsonl # a power cut
truncate -s 30M "$scratch/small"
code too-small 2 flash "$scratch/small"
for after in 0.02 0.05 0.1 0.15 0.2 0.25 0.3 0.4; do
	"$orch" flash --provision factory card --yes "$scratch/one" >/dev/null 2>&1 &
	writer=$!
	sleep $after
	kill -9 $writer
	wait $writer 2>/dev/null
done
flash "$scratch/one" >/dev/null 2>&1
same is-the-same-unit A4 "$(part one && of_part 'cat /serial')"
code sound-again 0 e2fsck -fn "$scratch/part"
same each-once 'A1 A2 A3 A4 A5' "$(jq -R -r 'fromjson? | .serial' factory/units.jsonl | LC_ALL=C sort | paste -sd ' ')"
code nobody-left 2 flash "$scratch/one"
code once-more 0 flash --unit A2 "$scratch/one"
same with-another-key 2 "$(jq -R -r 'fromjson? | select(.serial == "A2") | .keys[]' factory/units.jsonl | sort -u | wc -l)"
same nothing-is-left '' "$(find "$scratch/store/tmp" -mindepth 1 -name 'units*')"

echo "# one card of two fails"
printf 'serial,token\nB1,t\nB2,t\n' >factory/units.csv
for n in B1 B2; do echo "certificate $n" >factory/certificates/$n.pem; done
mkdir "$scratch/full"
cat >"$scratch/fail.sh" <<'END'
mount -t tmpfs -o size=256k none "$1/full" && truncate -s 64M "$1/full/card" && cd "$1/p" &&
	"$1/orch" flash --provision factory card --yes "$1/full/card" "$1/two"
END
code one-fails 8 unshare -r -m sh "$scratch/fail.sh" "$scratch"
says which "unit 'B1' is not done, and $scratch/full/card not to be used"
check the-other-does-not grep -qx "unit 'B2' is on $scratch/two" "$scratch/out"
code the-first-comes-again 0 flash "$scratch/one"
check is-it grep -q "^unit 'B1'" "$scratch/out"

echo "# what is wrong"
refused() { # NAME TEXT
	code "$1" 2 flash --unit A1 "$scratch/one"
	says "$1: why" "$2"
}
printf 'serial,token\nA1,t-1\n' >factory/units.csv
cp -R factory "$scratch/factory"
restore() { cp "$scratch/factory/provision.yaml" "$scratch/factory/units.csv" factory/; }
sed -i 's/{token}/{tokn}/' factory/provision.yaml
refused column "provision.yaml:4:.*unknown variable 'tokn': did you mean 'token'"
sed -i 's/{tokn}/{battery}/' factory/provision.yaml
refused another-column "unknown variable 'battery': name a column of units.csv so"
restore
sed -i 's/text: "${token}", //' factory/provision.yaml
refused no-content "provision.yaml:4:.*'/token' needs one of 'text', 'from' and 'ssh-key'"
restore
sed -i 's/990:990/app/' factory/provision.yaml
refused owner "provision.yaml:4:.*'0600 app' is not a mode or owner"
restore
sed -i 's,certificates/,../certificates/,' factory/provision.yaml
refused from-elsewhere "provision.yaml:6:.*below this directory"
restore
sed -i 's,/token,/serial/,; s/text: "${token}", //' factory/provision.yaml
refused one-place-twice "provision.yaml:4:.*'/serial' and '/serial/' are one place"
restore
sed -i 's,{to: /token,{to: /ssh/ssh_host_ed25519_key.pub,' factory/provision.yaml
refused public-half "are one place"
restore
sed -i 's,/token,/lost+found/token,' factory/provision.yaml
refused lost-and-found "'/lost+found/token' is e2fsck's"
restore
ln -sf /etc/hostname factory/certificates/A1.pem
refused link-out "provision.yaml:6:.*leads out of the project through a link"
rm factory/certificates/A1.pem
refused no-such-file "unit 'A1': .*A1.pem"
cp "$scratch/factory/certificates/A1.pem" factory/certificates/
sed -i 's/^partition: state/partition: slots/' factory/provision.yaml
refused no-such-partition "the image of node 'card' has no partition 'slots'"
sed -i '/^partition/d' factory/provision.yaml
refused unknown-partition "name the 'partition' for the unit's own in provision.yaml, for there is no device"
restore
head -c 30M /dev/urandom >factory/certificates/A1.pem
refused too-much "unit 'A1': partition 'state'"
cp "$scratch/factory/certificates/A1.pem" factory/certificates/
printf 'serial,token\nA1\n' >factory/units.csv
refused cells "units.csv:2:1: 1 values, and 2 columns"
printf 'serial,token\nA1,\n' >factory/units.csv
refused empty "units.csv:2:1: the value of column 'token' is empty"
printf 'serial,token\nA1,"x"\n' >factory/units.csv
refused quotes "units.csv:2:1: quotes are not understood"
printf 'serial\nA1\nA1\n' >factory/units.csv
refused twice "units.csv:3:1: two units have the serial 'A1'"
printf 'serial\n../A1\n' >factory/units.csv
refused path "units.csv:2:1: '../A1' is not a serial number"
printf 'name\nA1\n' >factory/units.csv
refused no-serial "units.csv:1:1: no column is called 'serial'"
rm factory/units.csv
refused no-list "factory/units.csv"
restore
code no-such-unit 2 flash --unit B1 "$scratch/one"
code no-such-directory 2 "$orch" flash --provision nowhere card --yes "$scratch/one"
code unit-without-provision 2 "$orch" flash card --unit A1 --yes "$scratch/one"
finish
