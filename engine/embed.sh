#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A shell script as the string literals of C, for meson.build: what programs of a guest or a tree run is
# a file that shellcheck reads. Comments and empty lines stay here.
exec sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' "$1"
