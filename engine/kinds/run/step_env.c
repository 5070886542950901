/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/step_env.h"

static bool is_variable(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	size_t n = strspn(name, first);

	while (n && name[n] && (strchr(first, name[n]) || strchr("0123456789", name[n])))
		n++;
	return n && !name[n];
}

/* Why orch sets NAME and a recipe cannot, or NULL. */
static const char *reserved(const char *name, const char *const *own)
{
	static const char *const everywhere[] = {"PATH", "HOME", "LC_ALL", "TZ", NULL};

	if (str_eq(name, "SOURCE_DATE_EPOCH"))
		return "is 'times' of project.yaml";
	if (str_skip(name, "ORCH_"))
		return "begins with ORCH_, as the variables that orch adds do";
	for (size_t i = 0; everywhere[i]; i++)
		if (str_eq(name, everywhere[i]))
			return "is the same for all steps: set it in the step that needs another";
	for (; *own; own++)
		if (str_eq(name, *own))
			return "is fixed in this kind: set it in the step that needs another";
	return NULL;
}

void step_env_check(const struct list *env, const char *const *own, struct err_list *errors)
{
	for (size_t i = 0; i < env->count; i++) {
		const struct pair *p = LIST_AT(*env, struct pair *, i);
		const char *why = reserved(p->key, own);

		if (why)
			err_list_at(errors, E_INVALID_VARIABLE, p->pos, "variable '%s' %s", p->key,
				    why);
		else if (!is_variable(p->key))
			err_list_at(errors, E_INVALID_VARIABLE, p->pos,
				    "'%s' is not the name of a variable: letters, digits and '_', "
				    "not a digit first",
				    p->key);
	}
}

void step_env_push(const struct list *env, struct strv *to)
{
	for (size_t i = 0; i < env->count; i++) {
		const struct pair *p = LIST_AT(*env, struct pair *, i);

		strv_printf(to, "%s=%s", p->key, p->value);
	}
}
