/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/environment.h"

#include <stddef.h>

const struct environment_row environment_rows[] = {
	{"ORCH_STORE", "The artifact store, when no `--store` is given."},
	{"ORCH_EXECUTOR",
	 "The farm that makes nodes in place of this machine (docs/sharing.md), in place of "
	 "`executor:` below `remote:` of your configuration; empty, none."},
	{"ORCH_PIN",
	 "What unlocks the key of a token. orch takes it out of its environment before it starts "
	 "anything."},
	{"XDG_CACHE_HOME", "The store is `orch` in it, when nothing else says where. Without it, "
			   "`~/.cache/orch`."},
	{"XDG_CONFIG_HOME", "Your configuration is `orch/config.yaml` in it. Without it, "
			    "`~/.config/orch/config.yaml`."},
	{"ORCH_CACHE",
	 "URLs of shared caches, parted by spaces, in place of `cache:` below `remote:` "
	 "of your configuration; empty, none."},
	{"ORCH_CACHE_TOKEN", "What their servers want to hear, in place of `token:` there."},
	{"NO_COLOR", "No colour, unless `--color` says otherwise."},
	{"CLICOLOR_FORCE", "Colour also where no terminal is."},
	{"TERM", "What the terminal can do; on a `dumb` one orch paints nothing."},
	{"CI", "Progress is told in lines, as in a log. `GITHUB_ACTIONS` and `GITLAB_CI` group "
	       "them as those services fold them."},
	{"http_proxy", "A proxy for downloads, where apt names none.", true},
	{"https_proxy", "The same, of `https`.", true},
	{"no_proxy", "Hosts that are reached without one.", true},
	{"CURL_CA_BUNDLE",
	 "A file of certificate authorities for kinds `fetch` and `release`. So is "
	 "`SSL_CERT_FILE`.",
	 true},
	{"APT_CONFIG", "A further file of apt's configuration, as apt itself takes it.", true},
	{"ORCH_SANDBOX", "`guest`: work in QEMU guests, as on a machine without user namespaces.",
	 true},
	{"ORCH_DEBUG",
	 "A developer's trace on stderr: `all`, or names of areas with commas "
	 "between.",
	 true},
	{NULL},
};

const struct exit_row exit_rows[] = {
	{0, "All is well."},
	{1, "A node failed."},
	{2, "The command line or a recipe is wrong."},
	{3, "With `--exit-code`: something would run, or differs."},
	{4, "A download or the network failed."},
	{5, "A signature or a digest was refused."},
	{6, "The store is damaged."},
	{7, "The machine lacks something; the message names it and the remedy."},
	{8, "Disk or memory is exhausted."},
	{9, "With `--no-wait`: another orch holds a lock."},
	{10, "A deadline passed."},
	{70, "A bug in orch."},
	{130, "Stopped by SIGINT."},
	{143, "Stopped by SIGTERM."},
	{0},
};
