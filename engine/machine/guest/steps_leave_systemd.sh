# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# leave STATUS: ends the guest, whose systemd runs this.
leave() {
	sync
	say "end $1"
	systemctl --no-block poweroff
	exit 0
}
