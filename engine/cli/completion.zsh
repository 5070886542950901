#compdef orch
# SPDX-License-Identifier: GPL-3.0-or-later
# zsh completion for orch: a file _orch in a directory of fpath, or sourced after compinit.
_orch() {
	local -a lines closed open
	local line word item
	lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" completion words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
	for line in $lines; do
		case $line in
		:file) _files ;;
		:directory) _files -/ ;;
		?*)
			word=${line%%$'\t'*}
			item=${word//:/\\:}
			[[ $line != *$'\t'* ]] || item+=:${line#*$'\t'}
			if [[ $word == *[=:/] ]]; then open+=("$item"); else closed+=("$item"); fi
			;;
		esac
	done
	((! $#closed)) || _describe -V orch closed
	((! $#open)) || _describe -V orch open -S ''
}
if [ "$funcstack[1]" = _orch ]; then _orch "$@"; else compdef _orch orch; fi
