#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# './dev deps' asks a person before it installs, and a clear yes alone installs. dpkg-query and apt-get are stand-ins.
. tests/e2e/lib.sh
mkdir "$scratch/bin"
cat >"$scratch/bin/dpkg-query" <<'END'
#!/bin/sh
for a; do package=$a; done
[ "$package" != jq ] && echo installed
END
cat >"$scratch/bin/apt-get" <<'END'
#!/bin/sh
case " $* " in
*" --assume-no "*) echo 'Need to get 1,234 kB of archives.' ;;
*" install "*) echo installs ;;
esac
END
cat >"$scratch/bin/sudo" <<'END'
#!/bin/sh
exec "$@"
END
chmod +x "$scratch"/bin/*

answer() { # KEYS: what is done then
	env -u CI PATH="$scratch/bin:$PATH" python3 tests/e2e/terminal.py "Go on?=$1" -- ./dev deps >"$scratch/out" 2>&1
	tr -d '\r' <"$scratch/out" | grep -x -E 'installs|dev: nothing installed|exit [0-9]+|restored|changed' | paste -sd ' '
}
same yes 'installs exit 0 restored' "$(answer 'y\r')"
check what-it-costs-is-told grep -q 'Need to get 1,234 kB' "$scratch/out"
same return-is-yes 'installs exit 0 restored' "$(answer '\r')"
for no in 'n\r' 'what\r' '\x04'; do
	same "no-$no" 'dev: nothing installed exit 1 restored' "$(answer "$no")"
done
same nobody-is-asked 'deps: done' "$(PATH="$scratch/bin:$PATH" ./dev deps </dev/null 2>&1 | tail -n 1)"
finish
