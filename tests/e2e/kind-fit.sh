#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Kind fit with the real mkimage: what U-Boot would start and what it would refuse, and that the private
# key stays where it is. tests/e2e/fit-verify.py looks at signatures as U-Boot does.
. tests/e2e/lib.sh
verify=$PWD/tests/e2e/fit-verify.py
export ORCH_STORE="$scratch/store"
p=$scratch/p
mkdir -p "$p/recipes" "$p/pki/private"
# shellcheck disable=SC2317 # called by check
o() { "$orch" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }; }
says() { check "$1" grep -q -- "$2" "$scratch/err"; }
key() { # NAME BITS
	openssl req -x509 -newkey "rsa:$2" -nodes -batch -days 30 -subj "/CN=$1" \
		-keyout "$p/pki/private/$1.key" -out "$p/pki/$1.crt" 2>/dev/null
}

head -c 300000 /dev/urandom >"$p/kernel"
head -c 200000 /dev/urandom >"$p/initramfs"
printf '/dts-v1/;\n/ { compatible = "board"; };\n' >"$p/board.dts"
cat >"$p/slot.its" <<'END'
/dts-v1/;
/ {
	description = "slot";
	#address-cells = <1>;
	images {
		kernel { data = /incbin/("kernel"); type = "kernel_noload"; arch = "arm64"; os = "linux";
			compression = "none"; load = <0>; entry = <0>; hash-1 { algo = "sha256"; }; };
		initramfs { data = /incbin/("initramfs"); type = "ramdisk"; arch = "arm64"; os = "linux";
			compression = "none"; hash-1 { algo = "sha256"; }; };
	};
	configurations {
		default = "one";
		one { kernel = "kernel"; ramdisk = "initramfs";
			signature-1 { algo = "sha256,rsa2048"; key-name-hint = "boot"; sign-images = "kernel", "ramdisk"; };
		};
		two { kernel = "kernel";
			signature-1 { algo = "sha256,rsa2048"; key-name-hint = "boot"; sign-images = "kernel"; };
		};
	};
};
END
cat >"$p/recipes/project.yaml" <<'END'
schema: 1
name: demo
version: "1"
default: [signed]
END
cat >"$p/recipes/unsigned.yaml" <<'END'
kind: run
root: host
inputs: [slot.its, kernel, initramfs, board.dts]
run:
  - dtc -o board.dtb board.dts
  - mkimage -E -B 8 -f slot.its slot.itb
  - mkimage -f slot.its whole.itb
outputs: [slot.itb, whole.itb, board.dtb]
END
cat >"$p/recipes/signed.yaml" <<'END'
kind: fit
from: "unsigned:slot.itb"
key: pki/private/boot.key
cert: pki/boot.crt
device-trees: ["unsigned:board.dtb"]
END

echo "# the key"
code "without a key" 2 "$orch" -C "$p" build
says "the command that makes one" "openssl req -x509 .*-keyout pki/private/boot.key -out pki/boot.crt"
key boot 2048

echo "# the image"
check "build" o build unsigned signed
f=$p/out/signed/slot.itb
check "U-Boot starts all configurations" python3 "$verify" "$f" "$p/pki/boot.crt"
code "none of them before" 1 python3 "$verify" "$p/out/unsigned/slot.itb" "$p/pki/boot.crt"
code "none with another key" 1 sh -c "openssl req -x509 -newkey rsa:2048 -nodes -batch -subj /CN=x \
	-keyout '$scratch/x.key' -out '$scratch/x.crt' 2>/dev/null && python3 '$verify' '$f' '$scratch/x.crt'"
t=$p/out/signed/board.dtb
same "its device tree asks for every configuration" conf "$(fdtget "$t" /signature/key-boot required)"
same "by this key" "$(openssl x509 -in "$p/pki/boot.crt" -noout -modulus | tr A-F a-f | sed 's/.*=//')" \
	"$(fdtget -t bx "$t" /signature/key-boot rsa,modulus | tr ' ' '\n' | sed 's/^.$/0&/' | tr -d '\n')"
same "and is the board's otherwise" board "$(fdtget "$t" / compatible)"
# a byte of the kernel, and one of what is signed
for at in $(($(stat -c %s "$f") - 400000)) "$(grep -abo kernel_noload "$f" | head -n 1 | cut -d: -f1)"; do
	cp "$f" "$scratch/flipped.itb"
	printf X | dd of="$scratch/flipped.itb" bs=1 seek="$at" conv=notrunc status=none
	code "the flipped file differs" 1 cmp -s "$f" "$scratch/flipped.itb"
	code "one with another byte at $at is refused" 1 python3 "$verify" "$scratch/flipped.itb" "$p/pki/boot.crt"
done
cp "$f" "$scratch/first.itb"
check "build in another store" o build --store "$scratch/again" signed
check "the same bytes" cmp "$f" "$scratch/first.itb"
sed -i 's/slot.itb/whole.itb/' "$p/recipes/signed.yaml"
check "build one with the data in it" o build
check "that starts, too" python3 "$verify" "$p/out/signed/whole.itb" "$p/pki/boot.crt"
sed -i 's/whole.itb/slot.itb/' "$p/recipes/signed.yaml"

echo "# what no signature covers"
refused() { # NAME SED MESSAGE
	cp "$p/slot.its" "$scratch/slot.its"
	sed -i "$2" "$p/slot.its"
	code "$1" 5 "$orch" -C "$p" build
	says "and which" "$3"
	cp "$scratch/slot.its" "$p/slot.its"
}
refused "a configuration" '/two {/,/};/{/signature/d}' "configuration 'two' .* has no signature"
refused "an initramfs" 's/"kernel", "ramdisk"/"kernel"/' "configuration 'one' .* leaves out 'initramfs'"
refused "an image by its hash" 's/hash-1 { algo = "sha256"; }; };$/hash-1 { algo = "crc32"; }; };/' \
	"image 'kernel' .* has no hash that holds"

echo "# keys"
cp "$p/pki/boot.crt" "$scratch/boot.crt"
key dev 2048
sed -i 's/boot\./dev./' "$p/recipes/signed.yaml"
code "another name than the image's hint" 5 "$orch" -C "$p" build
says "why" "has not signed configuration 'one' .* 'key-name-hint'"
sed -i 's/dev\./boot./' "$p/recipes/signed.yaml"
cp "$p/pki/dev.crt" "$p/pki/boot.crt"
code "a certificate of another key" 5 "$orch" -C "$p" build
says "why" "does not belong to certificate"
key boot 1024
code "a short key" 5 "$orch" -C "$p" build
says "why" "weak key"
same "the private key is nowhere else" "" "$(grep -rlF "$(sed -n 5p "$p/pki/private/dev.key")" "$scratch" |
	grep -v "^$p/pki/private/")"
finish
