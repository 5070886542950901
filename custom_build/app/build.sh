#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Compiles the application and makes edge-app.deb in the folder named.
set -eu
src=$(cd "$(dirname "$0")" && pwd)
out=$1
version=$(sed -n 's/^Version: //p' "$src/control")
pkg=$(mktemp -d)
mkdir -p "$pkg/DEBIAN" "$pkg/usr/bin"
cc -std=gnu11 -O2 -Wall -Wextra -Werror -DVERSION="\"$version\"" -o "$pkg/usr/bin/edge-app" "$src/edge-app.c"
strip "$pkg/usr/bin/edge-app"
cp "$src/control" "$pkg/DEBIAN/control"
chmod -R u=rwX,go=rX "$pkg"
dpkg-deb --root-owner-group -Zxz --build "$pkg" "$out/edge-app.deb"
rm -r "$pkg"
