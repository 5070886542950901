# SPDX-License-Identifier: GPL-3.0-or-later
# fish completion for orch: completions/orch.fish, or sourced.
function __orch_words
	set -l words (commandline -opc)
	set -l typed (commandline -ct)
	for line in (command $words[1] completion words $words[2..-1] "$typed" 2>/dev/null)
		switch $line
			case :file
				__fish_complete_path "$typed"
			case :directory
				__fish_complete_directories "$typed"
			case '*'
				echo $line
		end
	end
end
complete -c orch -f -a '(__orch_words)'
