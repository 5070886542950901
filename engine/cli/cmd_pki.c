/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch pki: keys for development, and what becomes of keys and certificates later. */
#include "cli/paint.h"
#include "cli/session.h"
#include "kinds/pki/pki.h"

struct pki_call {
	const struct session *s;
	const char *what; /* the argument after the verb, or NULL */
	struct str *report;
};

struct pki_verb {
	const char *name;
	int (*run)(const struct pki_call *call, struct err **err);
};

/* --key, given once, or NULL. */
static const char *key_of(const struct pki_call *call)
{
	const struct strv *keys = &call->s->cli->keys;

	return keys->count ? keys->items[keys->count - 1] : NULL;
}

static int init(const struct pki_call *call, struct err **err)
{
	return pki_init(call->s->dir, call->report, err);
}

static int crl(const struct pki_call *call, struct err **err)
{
	return pki_add_lists(call->s->dir, call->s->cli->ca, key_of(call), call->report, err);
}

static const struct pki_verb verbs[] = {{"init", init}, {"crl", crl}, {NULL}};

static const struct pki_verb *find_verb(const char *name, struct err **err)
{
	for (const struct pki_verb *v = verbs; v->name; v++) {
		if (str_eq(v->name, name))
			return v;
	}
	err_set(err, E_UNKNOWN_COMMAND, "no 'orch pki %s'; 'orch help pki' lists what there is",
		name);
	return NULL;
}

int cmd_pki(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct str report cleanup_str = STR_INIT;
	struct pki_call call = {&s, c->args.count > 1 ? c->args.items[1] : NULL, &report};
	const struct pki_verb *verb;
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_DIR, NULL), rc;

	if (code)
		return code;
	verb = find_verb(c->args.items[0], &err);
	rc = verb ? verb->run(&call, &err) : -1;
	print_lines(stdout, "", report.buf, report.len);
	return rc ? cli_fail(&s, err) : 0;
}
