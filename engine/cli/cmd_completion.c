/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch completion: what a shell reads to complete command lines of orch (complete.h). */
#include "cli/session.h"

static const struct {
	const char *shell, *text;
} scripts[] = {
	{
		"bash",
#include "cli/completion.bash.h"
	},
	{"zsh", "#compdef orch\n"
#include "cli/completion.zsh.h"
	},
	{
		"fish",
#include "cli/completion.fish.h"
	},
};

int cmd_completion(struct cli *c)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(scripts); i++) {
		if (str_eq(scripts[i].shell, c->args.items[0])) {
			fputs(scripts[i].text, stdout);
			return 0;
		}
	}
	err_set(&err, E_USAGE, "there is completion for bash, zsh and fish, not for '%s'",
		c->args.items[0]);
	return cli_fail(&s, err);
}
