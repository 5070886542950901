/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signers: their certificates and their last day; that of what they sign for package archives. */
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/pki/x509.h"
#include "kinds/repository/repository_opts.h"

#define DAY (24 * 3600)
#define LEAST_DAYS 30
#define WARN_DAYS 90
#define REPOSITORY_DAYS 14

/* A signer that nobody needs here: the files of one that is wanted were asked for before. */
static void note_missing(struct check_view *v, const struct node *pki)
{
	struct err_list found cleanup_err_list = {0};

	node_missing(v->g, pki, &found);
	pki_miss_key(pki->recipe, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct err *e = found.items[i];

		check_note(v, CHECK_SIGNER, (struct pos){pki->recipe->file, e->line, e->col}, "%s",
			   e->text);
	}
}

static void signer_is_good(struct check_view *v, const struct node *pki)
{
	const struct pki_opts *o = pki->recipe->opts;
	const char *dir = v->g->project->dir;
	char *c cleanup_free = NULL, *k cleanup_free = NULL, *p cleanup_free = NULL;
	struct err *bad cleanup_err = NULL;
	struct x509_facts facts;
	char date[16];

	c = path_join(dir, o->cert->text);
	k = path_join(dir, o->keyring->text);
	p = path_join(dir, o->key);
	if (!path_exists(c) || !path_exists(k))
		return;
	/* A machine that only builds has no private key; the rest can be checked all the same. */
	if (x509_check_signer(c, k, path_exists(p) ? p : NULL, (time_t)v->now, &facts, &bad) < 0)
		check_say(v, CHECK_SIGNER, recipe_pos(pki->recipe, "cert"), "%s", bad->text);
	else if (facts.not_after - v->now < (int64_t)WARN_DAYS * DAY)
		check_say(v,
			  facts.not_after - v->now < (int64_t)LEAST_DAYS * DAY
				  ? CHECK_SIGNER_EXPIRES
				  : CHECK_SIGNER_AGES,
			  recipe_pos(pki->recipe, "cert"),
			  "the chain of '%s' ends on %s; bundles signed then are refused: issue a "
			  "new certificate",
			  facts.subject, x509_date(facts.not_after, date));
}

static void repository_is_valid(struct check_view *v, const struct node *n)
{
	const struct repository_opts *o = n->recipe->opts;
	const char *key = o->date ? "date" : "valid-for";
	uint64_t from, span, until;
	char day[16];

	if (repository_date(o, n->lock_date, &from) != 0 ||
	    repository_span(o->valid_for, &span) != 0)
		return;
	until = from + span;
	if (until >= (uint64_t)v->now + REPOSITORY_DAYS * (uint64_t)DAY)
		return;
	check_say(v, CHECK_REPOSITORY_VALID, recipe_pos(n->recipe, key),
		  "the repository of suite '%s' is valid until %s, and consumers refuse it then: "
		  "give it a later 'date', and publish it again",
		  o->suite, x509_date((int64_t)until, day));
}

int check_sign_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (n->recipe->kind == &kind_repository && !check_is_test(v, n))
			repository_is_valid(v, n);
		if (n->recipe->kind != &kind_pki)
			continue;
		note_missing(v, n);
		if (!check_is_test(v, n) && !pki_is_openpgp(n->recipe))
			signer_is_good(v, n);
	}
	return 0;
}
