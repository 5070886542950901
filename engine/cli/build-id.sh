#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build-id.sh OUTPUT OBJECT...: C source with a name for what these objects are (cli/program.h).
set -eu
out=$1
shift
id=$(cat -- "$@" | sha256sum)
cat >"$out" <<EOF
/* Generated. */
#include "cli/program.h"

const char build_id[] = "${id%% *}";
EOF
