# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A shell in place of the steps; clean() gives it their environment.
# shellcheck disable=SC2154,SC2086
shell_of_input() {
	say shell
	clean /bin/sh /run/orch/input </dev/null >/dev/console 2>&1
	say "over $?"
}
# shell_on_terminal TTY TERM NAME: $rows and $columns are its size, 0 when nobody knows.
shell_on_terminal() {
	shell=/bin/sh
	[ ! -x /bin/bash ] || shell='/bin/bash --norc'
	# Else no key is a signal.
	own=
	command -v setsid >/dev/null && own='setsid -c'
	[ "$rows" = 0 ] || stty rows "$rows" cols "$columns" <"/dev/$1" 2>/dev/null
	say shell
	clean TERM="$2" PS1="($3) \$PWD \$ " $own $shell <"/dev/$1" >"/dev/$1" 2>&1
	say "over $?"
}
