/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch verify: whether a file is what its provenance says, and may be used (evidence/verify.h). It
 * needs no project and no store, only the file and what was published with it.
 */
#include <sys/stat.h>

#include "evidence/verify.h"

#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"

typedef int verify_fn(struct arena *arena, const char *path, const struct dsse_keys *keys,
		      const struct verify_policy *policy, struct verify_findings *ret,
		      struct err **err);

static int add_key(const char *path, struct dsse_keys *keys, struct err **err)
{
	struct dsse_key *key;

	if (dsse_key_public(path, &key, err) < 0)
		return -1;
	dsse_keys_push(keys, key);
	return 0;
}

static int add_keys(const struct cli *c, const struct verify_policy *p, struct dsse_keys *keys,
		    struct err **err)
{
	for (size_t i = 0; i < p->keys.count; i++) {
		if (add_key(LIST_AT(p->keys, const char *, i), keys, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < c->keys.count; i++) {
		if (add_key(c->keys.items[i], keys, err) < 0)
			return -1;
	}
	return 0;
}

static void print(const struct cli *c, const struct verify_findings *found)
{
	const struct paint *p = paint_for(c, stdout);

	for (size_t i = 0; i < found->count; i++) {
		const struct verify_finding *f = &found->items[i];

		printf("%s%s%s %-9s  ", f->good ? p->green : p->red, f->good ? "yes" : "no ",
		       p->off, f->check);
		print_escaped(stdout, f->text, strlen(f->text));
		putchar('\n');
	}
}

static void print_json(const struct cli *c, const struct verify_findings *found, bool good)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->count; i++) {
		const struct verify_finding *f = &found->items[i];

		json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "check", f->check, "good",
						      f->good, "text", json_text(f->text)));
	}
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "ok", good, "artifact",
			     json_text(c->args.items[0]), "findings", list),
		   false);
}

static size_t count_bad(const struct verify_findings *found)
{
	size_t bad = 0;

	for (size_t i = 0; i < found->count; i++)
		bad += !found->items[i].good;
	return bad;
}

static int answer(const struct session *s, const struct verify_findings *found)
{
	const struct cli *c = s->cli;
	size_t bad = count_bad(found);
	struct err *err = NULL;

	if (c->json) {
		print_json(c, found, !bad);
		return bad ? err_exit_code(ERR_INTEGRITY) : 0;
	}
	print(c, found);
	if (!bad)
		return 0;
	fflush(stdout);
	err_set(&err, E_NOT_VERIFIED, "'%s' is refused", c->args.items[0]);
	return cli_fail(s, err);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int cmd_verify(struct cli *c)
{
	struct session s cleanup_session = {.cli = c, .arena = arena_new()};
	struct dsse_keys keys cleanup_dsse_keys = {0};
	struct verify_findings found = {0};
	struct verify_policy policy = {0};
	struct err_list errors cleanup_err_list = {0};
	verify_fn *verify;
	struct err *err = NULL;
	int code;

	if (c->policy && verify_policy_read(s.arena, c->policy, &policy, &errors) < 0)
		return cli_fail_list(&s, &errors);
	verify = is_directory(c->args.items[0]) ? verify_release : verify_artifact;
	if (add_keys(c, &policy, &keys, &err) < 0 ||
	    verify(s.arena, c->args.items[0], &keys, &policy, &found, &err) < 0)
		code = cli_fail(&s, err);
	else
		code = answer(&s, &found);
	verify_findings_clear(&found);
	return code;
}
