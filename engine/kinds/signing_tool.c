/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/signing_tool.h"

#include "kinds/debian/debian.h"
#include "kinds/user_config.h"

void signing_tool_check(const struct kind_ctx *ctx, const struct ref *tools, const char *program,
			struct err_list *errors)
{
	const char *why = tools ? debian_not_packaged(ctx->arena, ctx->project, tools) : NULL;
	struct err *err cleanup_err = NULL;
	struct user_config config;

	if (!why || (user_config_read(ctx->arena, &config, &err) == 0 && config.trust_tools))
		return;
	err_list_at(errors, E_UNTRUSTED_PROGRAM, tools->pos,
		    "'%.*s' %s, and its %s would read the signing key: make it a debian node, or "
		    "set 'trust-tools: true' in your config.yaml if you trust this project",
		    (int)strcspn(tools->text, ":"), tools->text, why, program);
}
