# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for orch: source it, or install it as completions/orch of bash-completion.
# orch itself knows what may come next; here its words are cut as bash cuts them.
_orch() {
	local words=() word piece=$2 last glue='' i line
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $word && -z ${word//[=:]/} ]]; then
			last=separator
		else
			last=word
			((i < COMP_CWORD)) || word=$piece
		fi
		if [[ ( -n $glue || $last = separator ) && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		glue=
		[ $last = word ] || glue=1
	done
	[ "$last" = word ] || piece=
	local front=${words[-1]%"$piece"}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file | :directory)
			compopt -o filenames
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -"${line:1:1}" -- "$piece")
			;;
		*)
			word=${line%%$'\t'*}
			COMPREPLY+=("${word#"$front"}")
			case $word in *[=:/]) compopt -o nospace ;; esac
			;;
		esac
	done < <("${1/#\~/$HOME}" completion words "${words[@]}" 2>/dev/null)
}
complete -F _orch orch
