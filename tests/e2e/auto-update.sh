#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Updates by themselves: what 'orch publish --channel' lays out and refuses; and the device's own program
# with it, in a directory that stands for the device: real bundles, channels, openssl, curl and nginx; a
# stand-in for rauc, which asks the real one what a bundle is, and for systemctl and mount.
# shellcheck disable=SC2016 # of recipes and other programs
. tests/e2e/lib.sh
command -v nginx >/dev/null || { skip "no nginx"; exit 77; }
export ORCH_STORE="$scratch/store"
tree=$PWD
p=$scratch/p www=$scratch/www device=$scratch/device
# shellcheck disable=SC2317 # called by check
o() { "$ORCH" -C "$p" "$@" >"$scratch/out" 2>"$scratch/err" || { o_code=$?; cat "$scratch/err"; return "$o_code"; }; }
# shellcheck disable=SC2016
says() { check "$1" sh -c 'grep -q -F -e "$1" "$2" || { cat "$2"; exit 1; }' sh "$2" "$scratch/err"; }
recipe() { cat >"$p/recipes/$1.yaml"; }
# publish VERSION [OPTION...]: on channel 'stable'.
publish() {
	publish_version=$1
	shift
	o publish --set "v=$publish_version" bundle "$www" --channel stable "$@"
}
# refused NAME CODE TEXT VERSION [OPTION...]
refused() {
	refused_name=$1 refused_code=$2 refused_text=$3
	shift 3
	refused_before=$(cd "$www" 2>/dev/null && find . -type f ! -name '.*' -exec sha256sum {} + | sort)
	refused_got=0
	publish "$@" >/dev/null || refused_got=$?
	same "$refused_name: exit" "$refused_code" "$refused_got"
	says "$refused_name: in words" "$refused_text"
	same "$refused_name: nothing changes" "$refused_before" "$(cd "$www" 2>/dev/null && find . -type f ! -name '.*' -exec sha256sum {} + | sort)"
}
line() { jq -r ".\"$1\"" "$www/stable.json"; }

mkdir -p "$p/recipes" "$p/files"
echo hello >"$p/files/greeting"
head -c 100000 /dev/urandom >"$p/files/noise"
printf 'schema: 1\nname: fleet\nversion: "1"\ndefault: [bundle]\nvars: {v: "1.1.0", compatible: "demo,one"}\n' | recipe project
printf 'kind: image\nfilesystem: vfat\nsize: 16M\ncontents: [{copy: files/, to: /}]\n' | recipe root
printf 'kind: pki\nkey: pki/private/signer.key\ncert: pki/signer.pem\nkeyring: pki/keyring.pem\n' | recipe pki
printf 'kind: bundle\ncompatible: ${compatible}\nversion: ${v}\nimages: {rootfs: root}\nsign: pki\n' | recipe bundle
o pki init || exit 1

echo "# publishing"
check "a channel begins" publish 1.1.0
same "its number" 1 "$(line serial)"
same "the signed text is the one beside it" "$(cat "$www/stable.json")" \
	"$(openssl cms -verify -inform DER -in "$www/stable.channel" -CAfile "$p/pki/keyring.pem" -crl_check_all 2>/dev/null)"
bundle=$www/$(line bundle)
same "size and digest of the bundle" "$(line size) $(line sha256)" "$(stat -c %s "$bundle") $(sha256sum <"$bundle" | cut -d' ' -f1)"
manifest_of() {
	manifest_len=$(($(tail -c 8 "$1" | od -An -tu8 --endian=big)))
	tail -c $((manifest_len + 8)) "$1" | head -c "$manifest_len" |
		openssl cms -verify -noverify -inform DER 2>/dev/null
}
same "and of its manifest" "$(line manifest)" "$(manifest_of "$bundle" | sha256sum | cut -d' ' -f1)"
same "it is for all" "100 false" "$(line percent) $(line halt)"
first=$(stat -c %Y "$www/stable.channel")
check "once more" publish 1.1.0 --percent 5
same "its number rises, and it is younger" "2 5 yes" "$(line serial) $(line percent) $([ "$(stat -c %Y "$www/stable.channel")" -gt "$first" ] && echo yes)"
same "one bundle" 1 "$(find "$www/bundles" -type f | wc -l)"
refused "no channel, and bundles" 2 "has bundles and no channel 'beta'" 1.1.0 --channel beta
check "which begins when told so" publish 1.1.0 --channel beta --serial 1
refused "a serial that was there" 2 "has serial 2 already" 1.1.0 --serial 2
refused "an older version" 2 "devices take no older one" 1.1.0-rc1
refused "other devices" 2 "is channel 'stable' of devices 'demo,one'" 1.1.0 --set compatible=other
refused "over before it begins" 2 "give --expires a later time" 1.1.0 --not-before 3d --expires 1d
refused "no time" 2 "not 'soon'" 1.1.0 --expires soon
refused "no share" 2 "from 0 to 100, not '101'" 1.1.0 --percent 101
refused "no name" 2 "is no name of a channel" 1.1.0 --channel Stable/x
refused "a share of nobody" 2 "no --percent" 1.1.0 --halt --percent 5
refused "a channel to halt that is not there" 2 "could be halted" 1.1.0 --channel none --halt
code "no channel named: exit 2" 2 "$ORCH" -C "$p" publish bundle "$www"
says "no channel named" "wants --channel NAME"
code "a share of no channel: exit 2" 2 "$ORCH" -C "$p" publish bundle "$www" --halt
says "a share of no channel" "say --channel NAME, too"
code "an image: exit 2" 2 "$ORCH" -C "$p" publish root "$www" --channel stable
says "an image" "not a node of kind bundle"
# What devices take as a path, whatever is in the version.
check "a version with other characters" o publish --set 'v=2.0..0, b@7 (x)' bundle "$scratch/odd" --channel odd
check "has a place that devices take" sh -c 'jq -r .bundle "$1" | grep -xE "bundles/2\.0\._0__b_7__x_-[0-9a-f]{16}/bundle\.raucb"' sh "$scratch/odd/odd.json"
check "where it is" test -f "$scratch/odd/$(jq -r .bundle "$scratch/odd/odd.json")"
cp "$www/stable.channel" "$scratch/good.channel"
echo x >>"$www/stable.channel"
refused "a damaged channel" 5 "is not a signed message" 1.1.0
cp "$scratch/good.channel" "$www/stable.channel"
cp "$bundle" "$scratch/kept.raucb"
echo x >>"$bundle"
refused "a damaged bundle" 2 "was published with other bytes" 1.1.0
cp "$scratch/kept.raucb" "$bundle"
mkdir "$scratch/keys"
mv "$p/pki" "$scratch/keys/"
o pki init
refused "another's channel" 5 "is signed by nobody whom keyring" 1.1.0
o publish --set v=1.2.0 bundle "$scratch/foreign" --channel stable
mv "$p/pki" "$scratch/foreign/"
mv "$scratch/keys/pki" "$p/"

echo "# a device"
mkdir -p "$device/etc/rauc" "$device/etc/edge-device" "$device/data" "$device/run" "$device/proc/sys/kernel/random" \
	"$device/usr/lib/edge-device" "$device/bin" "$device/rauc"
cp "$p/pki/keyring.pem" "$device/etc/rauc/"
printf '[system]\ncompatible=demo,one\n[keyring]\ncheck-crl=true\ncheck-purpose=codesign\n' >"$device/etc/rauc/system.conf"
echo 0123456789abcdef0123456789abcdef >"$device/etc/machine-id"
cat >"$device/bin/rauc" <<'END'
#!/bin/sh
# rauc: what was installed stands in $AUTO_UPDATE_ROOT/rauc/{a,b} as "MANIFEST VERSION", the booted slot in booted.
d=$AUTO_UPDATE_ROOT/rauc
other() { if [ "$(cat "$d/booted")" = a ]; then echo b; else echo a; fi; }
read_bundle() { # FILE-OR-URL: $file, $version, $manifest
	file=$1
	case $1 in http*) file=$d/fetched.raucb; curl -sSf -o "$file" "$1" || return 1 ;; esac
	/usr/bin/rauc --keyring="$AUTO_UPDATE_ROOT/etc/rauc/keyring.pem" info "$file" >/dev/null 2>&1 || return 1
	len=$(($(tail -c 8 "$file" | od -An -tu8 --endian=big)))
	tail -c $((len + 8)) "$file" | head -c "$len" | openssl cms -verify -noverify -inform DER >"$d/manifest" 2>/dev/null
	manifest=$(sha256sum <"$d/manifest" | cut -d' ' -f1)
	version=$(sed -n 's/^version=//p' "$d/manifest")
}
case $1,${2-} in
install,--help) echo "$RAUC_HELP" ;;
info,*)
	[ ! -x "$d/before" ] || "$d/before" || exit 1
	read_bundle "$3" || exit 1
	printf "RAUC_MF_COMPATIBLE='%s'\nRAUC_MF_VERSION='%s'\nRAUC_MF_HASH='%s'\n" "$(sed -n 's/^compatible=//p' "$d/manifest")" "$version" "$manifest"
	;;
install,*)
	echo "$*" >>"$d/calls"
	for url; do :; done
	[ ! -x "$d/meanwhile" ] || "$d/meanwhile" $PPID || exit 1
	read_bundle "$url" || exit 1
	echo "$manifest $version" >"$d/$(other)"
	;;
status,--detailed)
	i=1
	for s in a b; do
		state=inactive
		[ "$s" != "$(cat "$d/booted")" ] || state=booted
		m='' v=1.0.0 # a card from the factory
		[ ! -s "$d/$s" ] || read -r m v <"$d/$s"
		printf "RAUC_SLOT_STATE_%s='%s'\nRAUC_SLOT_CLASS_%s='rootfs'\nRAUC_SLOT_STATUS_BUNDLE_VERSION_%s='%s'\nRAUC_SLOT_STATUS_BUNDLE_HASH_%s='%s'\n" \
			$i $state $i $i "$v" $i "$m"
		i=$((i + 1))
	done
	;;
status,*) echo "$*" >>"$d/calls" ;;
esac
END
cat >"$device/bin/systemctl" <<'END'
#!/bin/sh
d=$AUTO_UPDATE_ROOT/rauc
case $1 in
is-active) [ -e "$d/good" ] ;;
reboot) echo reboot >>"$d/calls" ;;
esac
END
printf '#!/bin/sh\nfor to; do :; done\ncp "$AUTO_UPDATE_ROOT"/stick/* "$to/"\n' >"$device/bin/mount"
printf '#!/bin/sh\nrm -rf "$1"\n' >"$device/bin/umount"
# what is said to the user, and how much
printf '#!/bin/sh\necho "$1 $2" >>"$AUTO_UPDATE_ROOT/told"\n' >"$device/bin/tell"
chmod +x "$device"/bin/*

mkdir "$scratch/nginx"
web_port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
web=http://127.0.0.1:$web_port
cat >"$scratch/nginx/conf" <<END
daemon off; worker_processes 1; pid $scratch/nginx/pid; error_log $scratch/nginx/error;
events {}
http {
	access_log $scratch/nginx/access;
	client_body_temp_path $scratch/nginx; proxy_temp_path $scratch/nginx; fastcgi_temp_path $scratch/nginx;
	uwsgi_temp_path $scratch/nginx; scgi_temp_path $scratch/nginx;
	server { listen 127.0.0.1:$web_port; root $www; }
}
END
server=''
start_server() {
	nginx -p "$scratch/nginx" -c "$scratch/nginx/conf" -e "$scratch/nginx/error" &
	server=$!
	for _ in $(seq 50); do
		curl -s -o /dev/null "$web/" && return
		sleep 0.1
	done
	cat "$scratch/nginx/error"
}
trap 'kill $server 2>/dev/null; chmod -R u+rwx "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
start_server

state=$device/data/update
# configure LINE...
configure() {
	printf '%s\n' "$@" >"$device/etc/edge-device/update.conf"
}
# fresh: a device from the factory, in its second boot.
fresh() {
	rm -rf "$device/data" "$device/rauc" "$device/told"
	mkdir -p "$device/data" "$device/rauc"
	: >"$device/rauc/a"
	: >"$device/rauc/b"
	echo a >"$device/rauc/booted"
	: >"$device/rauc/good"
	boot
}
# boot [SLOT]
boot() {
	cat /proc/sys/kernel/random/uuid >"$device/proc/sys/kernel/random/boot_id"
	[ $# = 0 ] || echo "$1" >"$device/rauc/booted"
}
run() {
	AUTO_UPDATE_ROOT=$device RAUC_HELP=${RAUC_HELP-} PATH=$device/bin:$PATH sh "$tree/rootfs/usr/lib/edge-device/auto-update" "$@" \
		>"$scratch/said" 2>&1
}
result() { sed -n 's/^result=//p' "$state/state"; }
calls() { if [ -e "$device/rauc/calls" ]; then wc -l <"$device/rauc/calls"; else echo 0; fi; }
# ends NAME RESULT CALLS [TEXT]: the last run did; CALLS of rauc and systemctl so far.
ends() {
	same "$1" "$2 $3" "$(result) $(calls)"
	[ $# = 3 ] || check "$1: in words" grep -q -F -e "$4" "$state/state" || sed 's/^/  /' "$scratch/said"
}
www_good() { cp "$scratch/good.channel" "$www/stable.channel"; }
publish 1.1.0 >/dev/null
cp "$www/stable.channel" "$scratch/good.channel"
cp "$www/stable.json" "$scratch/good.json"

echo "# off, as it is delivered"
cp "$tree/rootfs/etc/edge-device/update.conf" "$device/etc/edge-device/"
fresh
: >"$scratch/nginx/access"
mkdir -p "$state/drop"
cp "$bundle" "$state/drop/x.raucb"
touch -d '1 hour ago' "$state/drop/x.raucb"
run
ends "nothing is asked or installed" none 0
same "of nobody" 0 "$(wc -l <"$scratch/nginx/access")"

echo "# a bundle at a URL"
configure "url=$web/$(line bundle)" reboot=yes
fresh
run
ends "it is installed, and the device reboots" installed 2
same "from where it is" "install $web/$(line bundle)" "$(head -n 1 "$device/rauc/calls")"
boot b
run
ends "it runs" current 2
: >"$scratch/nginx/access"
run
same "and is asked for by its ETag" " 304 " "$(grep -o ' 304 ' "$scratch/nginx/access")"
same "once" 1 "$(wc -l <"$scratch/nginx/access")"
fresh
rm "$device/rauc/good"
run
ends "the running slot is not proven" waiting 0 "not marked good yet"
: >"$device/rauc/good"
run
ends "and then it is" installed 2
fresh
run
boot a
run
ends "a bundle that did not stay: not again" refused 2 "went back to 1.0.0"
run
ends "and not the third time" current 2
fresh
echo "0 1.2.0" >"$device/rauc/a"
run
ends "an older one" refused 0 "older than 1.2.0"
printf '<html>log in</html>' >"$www/page"
configure "url=$web/page"
run
ends "what is no bundle" refused 0 "is no bundle"
configure "url=file://$www/page"
run
ends "what is no URL" refused 0 "is no URL"

echo "# a channel"
configure "url=$web" channel=stable reboot=no
fresh
run
ends "it is installed" installed 1
run
ends "and nobody reboots" installed 1 "starts with the next boot"
same "its number is noted" "$(line serial)" "$(cat "$state/serial.stable")"
boot b
run
ends "then it runs" current 1
fresh
echo "url=$web/none" >"$device/etc/edge-device/update.conf"
mkdir -p "$state"
printf 'url=%s\nchannel=stable\n' "$web" >"$state/update.conf"
run
ends "who has the device may say where" installed 2
configure "url=$web/" channel=stable reboot=no

echo "# signers under another CA of the keyring, whose certificates are for one purpose"
mkdir "$scratch/purpose"
cp "$device/etc/rauc/keyring.pem" "$scratch/keyring.pem"
(
	cd "$scratch/purpose" || exit
	# shellcheck source=tests/certificates/lib.sh
	. "$tree/tests/certificates/lib.sh"
	certificate ca - authority 20490101000000Z
	lists lists ca
	cat ca.pem lists >>"$device/etc/rauc/keyring.pem"
	for purpose in code web; do
		certificate $purpose ca $purpose 20490101000000Z
		openssl cms -sign -binary -nodetach -md sha256 -signer $purpose.pem -inkey $purpose.key \
			-in "$www/stable.json" -outform DER -out $purpose.channel
	done
) >"$scratch/purpose.log" 2>&1 || cat "$scratch/purpose.log"
cp "$scratch/purpose/web.channel" "$www/stable.channel"
fresh
run
ends "for servers: it is not believed" refused 0 "signed by nobody"
cp "$scratch/purpose/code.channel" "$www/stable.channel"
fresh
run
ends "for code alone: it is, as RAUC believes it" installed 1
cp "$scratch/keyring.pem" "$device/etc/rauc/keyring.pem"
www_good

echo "# what is cut"
fresh
printf '#!/bin/sh\nkill %s\nsleep 0.2\n' "$server" >"$device/rauc/meanwhile"
chmod +x "$device/rauc/meanwhile"
run
ends "the network goes" failed 1 "attempt 1 of 5"
run
ends "and is away" waiting 1 "no answer from"
rm "$device/rauc/meanwhile"
start_server
run
ends "it comes back" installed 2
configure "url=$web/$(line bundle)" reboot=yes
fresh
printf '#!/bin/sh\nexit 1\n' >"$device/rauc/before"
chmod +x "$device/rauc/before"
run
ends "it goes while a bundle is looked at" refused 0 "not whole"
rm "$device/rauc/before"
run
ends "which is looked at again, though its ETag is as it was" installed 2
configure "url=$web/" channel=stable reboot=no
fresh
printf '#!/bin/sh\nkill -KILL "$1"; exit 1\n' >"$device/rauc/meanwhile"
chmod +x "$device/rauc/meanwhile"
run 2>/dev/null
same "the power goes: it is noted" "trying 1" "$(cut -d' ' -f2,3 "$state/tried")"
boot
for _ in 2 3 4 5; do run 2>/dev/null; done
run
ends "each time: five times, not more" refused 5 "could not be installed in 5 attempts"
fresh
printf '#!/bin/sh\nkill -KILL "$1"; exit 1\n' >"$device/rauc/meanwhile"
chmod +x "$device/rauc/meanwhile"
run 2>/dev/null
rm "$device/rauc/meanwhile"
boot
run
ends "once: it is installed" installed 2

echo "# a channel that is not to be followed"
# other NAME RESULT TEXT: the channel on the server as it is now installs nothing, whatever runs here.
other() {
	fresh
	run
	ends "$1" "$2" "${4:-0}" "$3"
	www_good
}
publish 1.1.0 --halt
other "halted" halted "is halted"
fresh
: >"$scratch/none"
cp "$www/stable.json" "$scratch/halted.json"
publish 1.1.0
cp "$www/stable.channel" "$scratch/newer.channel"
run
ends "a newer one is taken" installed 1
cp "$scratch/good.channel" "$www/stable.channel"
touch -d "1 hour ago" "$www/stable.channel" # not the second of the one before, of which its ETag is made
rm -f "$device/rauc/calls"
run
ends "an old one again" refused 0 "is an old one"
cp "$scratch/foreign/stable.channel" "$www/stable.channel"
other "another's" refused "signed by nobody whom this device believes"
cp "$www/beta.channel" "$www/stable.channel"
other "another channel" refused "the channel is 'beta'"
tail -c 1000 "$bundle" >"$www/stable.channel"
other "garbage" refused "signed by nobody"
printf '<html>log in</html>' >"$www/stable.channel"
other "a page" refused "signed by nobody"
head -c 500 "$scratch/good.channel" >"$www/stable.channel"
other "half of it" refused "signed by nobody"
manifest_len=$(($(tail -c 8 "$bundle" | od -An -tu8 --endian=big)))
tail -c $((manifest_len + 8)) "$bundle" | head -c "$manifest_len" >"$www/stable.channel"
other "something else by the same signer" refused "is no channel that this system can read"
cat >"$scratch/unsigned.conf" <<END
asn1=SEQUENCE:info
[info]
type=OID:pkcs7-signedData
content=EXPLICIT:0,SEQUENCE:signed
[signed]
version=INTEGER:1
digests=SET:none
inner=SEQUENCE:inner
signers=SET:none
[none]
[inner]
type=OID:pkcs7-data
content=EXPLICIT:0,FORMAT:HEX,OCTETSTRING:$(sed 's/"serial": .*/"serial": 999,/' "$www/stable.json" | od -An -v -tx1 | tr -d ' \n')
END
openssl asn1parse -genconf "$scratch/unsigned.conf" -noout -out "$www/stable.channel"
other "what nobody signed" refused "signed by nobody"
mkdir "$scratch/cas"
sed '/BEGIN X509 CRL/,$d' "$scratch/foreign/pki/keyring.pem" | sed '/END CERT/q' >"$scratch/cas/ca.pem"
openssl rehash "$scratch/cas"
cp "$scratch/foreign/stable.channel" "$www/stable.channel"
sed -i '/check-crl/d' "$device/etc/rauc/system.conf"
SSL_CERT_DIR=$scratch/cas
export SSL_CERT_DIR
check "the system believes another CA" openssl cms -verify -inform DER -in "$www/stable.channel" -out "$scratch/none"
other "which is not asked" refused "signed by nobody"
unset SSL_CERT_DIR
other "a device that has no lists" installed "version 1.1.0" 1
echo check-crl=true >>"$device/etc/rauc/system.conf"
publish 1.1.0 --not-before 3d
other "not yet" waiting "is offered from"
publish 1.1.0 --percent 0
other "for nobody" waiting "for 0 % of the devices"
part=$(AUTO_UPDATE_ROOT=$device sh "$tree/rootfs/usr/lib/edge-device/auto-update" share "$(line manifest)" <"$device/etc/machine-id")
publish 1.1.0 --percent "$part"
other "for the parts before this one" waiting "for $part % of the devices"
publish 1.1.0 --percent $((part + 1))
other "and for this one" installed "version 1.1.0" 1
# clock TIME: what the device's says.
clock() {
	printf '#!/bin/sh\ncase $* in *-d*) exec /bin/date "$@" ;; *) exec /bin/date -d "%s" "$@" ;; esac\n' "$1" >"$device/bin/date"
	chmod +x "$device/bin/date"
}
clock '31 days'
other "expired" refused "was valid until"
clock '1970-01-01T00:10:00Z'
other "a clock at 1970" waiting "the clock is behind"
rm "$device/bin/date"

echo "# a server that lies"
cp "$bundle" "$scratch/kept.raucb"
head -c 20000 "$scratch/kept.raucb" >"$bundle"
other "another length" refused "does not have"
head -c "$(stat -c %s "$scratch/kept.raucb")" /dev/urandom >"$bundle"
other "as long, and no bundle" refused "is no bundle"
o build --set v=1.2.0 bundle
cp "$p/out/bundle/bundle.raucb" "$scratch/other.raucb"
cp "$scratch/other.raucb" "$bundle"
sed '1,/END CERT/d' "$p/pki/signer.pem" >"$scratch/above.pem"
sed "s/^\"size\": .*/\"size\": $(stat -c %s "$bundle"),/" "$scratch/good.json" >"$scratch/text" # as signed by hand
openssl cms -sign -binary -nodetach -outform DER -in "$scratch/text" -signer "$p/pki/signer.pem" -certfile "$scratch/above.pem" \
	-inkey "$p/pki/private/signer.key" -nosmimecap -out "$www/stable.channel"
other "another bundle, of the size that is told" refused "another bundle than the channel offers"
cp "$scratch/kept.raucb" "$bundle"
fresh
printf '#!/bin/sh\ncp "%s" "%s"\n' "$scratch/other.raucb" "$bundle" >"$device/rauc/meanwhile"
chmod +x "$device/rauc/meanwhile"
run
ends "another bundle the second time: it is not started" refused 3 "not started"
same "the other slot is not to be booted" "status mark-active booted status mark-bad other" "$(tail -n 2 "$device/rauc/calls" | xargs)"
cp "$scratch/kept.raucb" "$bundle"
rm "$device/rauc/meanwhile"
run
ends "the one that was offered is installed once the server has it" installed 4 "starts with the next boot"
fresh
RAUC_HELP=--require-manifest-hash run
same "a rauc that can be told is" "install --require-manifest-hash=$(jq -r .manifest "$scratch/halted.json")" \
	"$(head -n 1 "$device/rauc/calls" | cut -d' ' -f1,2)"

echo "# a part of the fleet"
python3 -c 'import hashlib
for i in range(1000): print(hashlib.md5(b"%d" % i).hexdigest())' >"$scratch/ids"
some=$(echo manifest | sha256sum | cut -d' ' -f1) # the same each time, as what comes out is
AUTO_UPDATE_ROOT=$device sh "$tree/rootfs/usr/lib/edge-device/auto-update" share "$some" <"$scratch/ids" >"$scratch/parts"
count=$(awk '$1 < 5' "$scratch/parts" | wc -l)
check "5 % of 1,000 machines: $count" [ "$count" -ge 35 -a "$count" -le 65 ]
same "each part is one of a hundred" 100 "$(sort -un "$scratch/parts" | wc -l)"
same "as docs/channels.md says" "$(head -n 1 "$scratch/parts")" \
	"$(python3 -c 'import hashlib, sys; print(int(hashlib.sha256(":".join(sys.argv[1:]).encode()).hexdigest()[:8], 16) % 100)' \
		"$(head -n 1 "$scratch/ids")" "$some")"

echo "# who has the device"
configure "url=$web" channel=stable reboot=no notice=1 postpone-limit=2 "tell=$device/bin/tell"
www_good
fresh
run
ends "it is told first" postponed 0 "waits until"
same "of what" "offered 1.1.0" "$(cat "$device/told")"
clock '90 minutes'
run postpone 10
run
ends "postponed" postponed 0 "waits until"
clock '121 minutes'
run
ends "but not beyond the limit" installed 1
same "what was told" "offered 1.1.0 installing 1.1.0 installed 1.1.0" "$(xargs <"$device/told")"
rm "$device/bin/date"
fresh
run off
: >"$scratch/nginx/access"
run
ends "turned off" off 0
same "nobody is asked" 0 "$(wc -l <"$scratch/nginx/access")"
run status
check "it says so" grep -qx off=yes "$scratch/said"
run on
run
ends "turned on" postponed 0
fresh
echo 'data /data tmpfs rw 0 0' >"$device/proc/mounts"
run
ends "no data partition" waiting 0 "nothing would be kept"
rm "$device/proc/mounts"

echo "# what is brought"
configure drop=yes stick=yes reboot=yes
fresh
mkdir -p "$state/drop"
# bring FILE NAME
bring() {
	cp "$1" "$state/drop/$2"
	touch -d '1 hour ago' "$state/drop/$2"
}
bring "$bundle" a.raucb
run
ends "a bundle in the directory" installed 2
empty "it is used up" "$state/drop"
bring "$bundle" a.raucb
run
ends "the same again" installed 2
empty "is removed" "$state/drop"
head -c 20000 "$bundle" >"$scratch/half.raucb"
bring "$scratch/half.raucb" b.raucb
run
ends "half of one" refused 2
same "has another name" b.raucb.refused "$(ls "$state/drop")"
boot b
bring "$scratch/other.raucb" c.raucb
run
ends "a newer one" installed 4
fresh
mkdir "$device/stick"
cp "$bundle" "$device/stick/"
run stick /dev/null
ends "a stick" installed 2
same "is only read" "$(basename "$bundle")" "$(ls "$device/stick")"
boot a
run stick /dev/null
ends "and tried once" refused 2
configure drop=yes
fresh
run stick /dev/null
ends "a stick that nobody asked for" none 0
finish
