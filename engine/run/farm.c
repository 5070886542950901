/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The orchestrator's side: what may be sent, and whether there is somebody to send it to. */
#include "run/farm.h"

#include "base/str.h"

int farm_check(const struct farm *f, struct err **err)
{
	for (size_t i = 0; i < f->urls.count; i++) {
		const char *url = f->urls.items[i];

		if (!str_skip(url, "program:/") && !str_skip(url, "grpc://") &&
		    !str_skip(url, "grpcs://"))
			return err_set(err, E_REMOTE_URL,
				       "'%s' is not the URL of an executor: grpc://HOST:PORT, "
				       "grpcs://HOST:PORT, or program:/PATH",
				       url);
	}
	return 0;
}

static int is_secret(void *arg, const char *option_path, const char *project_path)
{
	*(bool *)arg = true;
	return 0;
}

static bool told_secret(const struct node *n)
{
	bool ret = false;

	(void)!schema_each_secret(n->recipe->kind->schema, n->recipe->opts, is_secret, &ret);
	for (size_t i = 0; i < n->in.count; i++)
		ret = ret || n->in.items[i].signer;
	return ret;
}

static bool uses_programs(const struct node *n)
{
	const struct kind *k = n->recipe->kind;
	struct strs names = {0};
	bool ret;

	if (n->manifest)
		return strstr(n->manifest, "\ntool ") != NULL;
	if (k->tools)
		k->tools(n->recipe->opts, &names);
	ret = names.count > 0;
	strs_clear(&names);
	return ret;
}

static bool is_kept_home(const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;
		const struct kind *k = from ? from->recipe->kind : NULL;

		if (k && k->keeps_home && k->keeps_home(from->recipe->opts))
			return true;
	}
	return false;
}

/* Whether it starts a machine that another node describes, with a program that it does not hold. */
static bool borrows_programs(const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && from->recipe->kind->lent_memory_mb && uses_programs(from))
			return true;
	}
	return false;
}

const char *farm_why_not(const struct node *n)
{
	const struct kind *k = n->recipe->kind;

	if (told_secret(n))
		return "it is told a secret";
	if (uses_programs(n))
		return "it uses programs of this machine";
	if (borrows_programs(n))
		return "its board uses this machine's QEMU";
	if ((k->at_home && k->at_home(n->recipe->opts)) || is_kept_home(n))
		return "it uses this machine in ways that no key tells";
	if (node_demand(n).host_owners)
		return "it starts a guest made of this machine's files";
	return NULL;
}

static const struct list *own_words(const struct node *n)
{
	static const struct list none;
	size_t at = n->recipe->kind->platform_at;

	return at ? (const struct list *)((const char *)n->recipe->opts + at) : &none;
}

static bool says(const struct list *words, const char *name)
{
	for (size_t i = 0; i < words->count; i++) {
		if (str_eq(LIST_AT(*words, struct pair *, i)->key, name))
			return true;
	}
	return false;
}

void farm_platform(const struct farm *f, const struct node *n, struct farm_words *ret)
{
	const struct list *own = own_words(n);

	for (size_t i = 0; i < f->platform.count; i++) {
		if (!says(own, f->platform.items[i].name))
			farm_words_push(ret, f->platform.items[i]);
	}
	for (size_t i = 0; i < own->count; i++) {
		const struct pair *p = LIST_AT(*own, struct pair *, i);

		farm_words_push(ret, (struct farm_word){p->key, p->value});
	}
}
