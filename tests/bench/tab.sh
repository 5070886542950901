#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tab.sh SCRIPT PROGRAM WORD...: has the completion of SCRIPT complete the last word 50 times, as bash does.
# shellcheck disable=SC1090,SC2034
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE=$*
COMP_POINT=${#COMP_LINE}
compopt() { :; } # there is no line being typed
spec=$(complete -p "${1##*/}")
function=${spec##*-F }
function=${function%% *}
for ((i = 0; i < 50; i++)); do
	COMPREPLY=()
	"$function" "$1" "${*: -1}" "${*: -2:1}"
done
[ ${#COMPREPLY[@]} -gt 0 ] # or nothing was measured
