/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch publish: what devices or package managers fetch is built and laid out for a web server. */
#include <sys/stat.h>
#include <time.h>

#include "cli/builder.h"
#include "cli/json.h"
#include "cli/publish_channel.h"
#include "kinds/kinds.h"
#include "kinds/repository/publish.h"

static int publish(const struct session *s, const char *name, const char *dir,
		   struct published *ret, struct err **err)
{
	const struct node *n = session_node(s, name, err);
	char *tar cleanup_free = NULL;
	mode_t mask;
	int rc;

	if (!n)
		return -1;
	if (n->recipe->kind != &kind_repository || !n->record || n->record->output_count != 1)
		return err_set(err, E_WRONG_KIND, "'%s' is not a node of kind repository%s", name,
			       n->recipe->kind == &kind_bundle ? "; a bundle wants --channel NAME"
							       : "");
	tar = cas_path(store_dir(s->store), OUTPUT_TREE, &n->record->outputs[0].digest);
	mask = umask(022); /* who reads it is another */
	rc = repository_publish(tar, dir, (int64_t)time(NULL), ret, err);
	umask(mask);
	return rc;
}

static void tell(const struct cli *c, const struct published *p, const char *dir)
{
	if (c->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o, s:I, s:I, s:b, s:o, s:o}", "v", 1, "ok",
				     1, "directory", json_text(dir), "suite", json_text(p->suite),
				     "added", (json_int_t)p->added, "kept", (json_int_t)p->kept,
				     "unchanged", p->unchanged, "date", json_text(p->date),
				     "valid-until", json_text(p->valid_until)),
			   false);
	else if (p->unchanged)
		printf("suite '%s' is published in %s as it is\n", p->suite, dir);
	else
		printf("published suite '%s' in %s: %zu package%s added, %zu there already, valid "
		       "until %s\n",
		       p->suite, dir, p->added, p->added == 1 ? "" : "s", p->kept, p->valid_until);
}

int cmd_publish(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	const char *dir = c->args.items[1];
	struct published published;
	struct err *err = NULL;
	int code;

	if (c->channel)
		return publish_channel(c);
	if (c->percent || c->halt || c->not_before || c->expires || c->serial)
		return cli_fail(&s, publish_no_channel());
	code = builder_first(c, &s);
	if (code)
		return code;
	if (publish(&s, c->args.items[0], dir, &published, &err) < 0)
		return cli_fail(&s, err);
	tell(c, &published, dir);
	return 0;
}
