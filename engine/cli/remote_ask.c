/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/remote_ask.h"

#include <poll.h>

#include "base/clock.h"
#include "cli/paint.h"
#include "cli/program.h"
#include "cli/remote_use.h"
#include "remote/helper.h"

#define ANSWER_MS 15000

struct remote_ask {
	struct session *s;
	struct helper *helper; /* NULL: not started, or given up */
	char *worker;
	bool dead;
	/* of the question that is being answered */
	struct arena *arena;
	bool answered, found;
	struct helper_reply reply;
};

int remote_ask_open(struct session *s, struct remote_ask **ret, struct err **err)
{
	struct user_config config;
	struct remote_use use;
	struct remote_ask *a;
	char *worker cleanup_free = NULL;
	int rc = user_config_read(s->arena, &config, err);

	if (rc == 0)
		rc = remote_use_of(s->cli, &config, s->arena, &use, err);
	if (rc == 1)
		return err_set(err, E_USAGE,
			       "--remote: no shared cache is configured, or --offline leaves it "
			       "alone (docs/sharing.md)");
	worker = rc == 0 ? program_worker(err) : NULL;
	if (!worker)
		return -1;
	a = xcalloc(1, sizeof(*a));
	a->s = s;
	a->worker = steal_ptr(worker);
	*ret = a;
	return 0;
}

void remote_ask_close(struct remote_ask *a)
{
	if (!a)
		return;
	helper_close(a->helper);
	free(a->worker);
	free(a);
}

static void give_up(struct remote_ask *a, const char *why)
{
	if (!a->dead)
		print_aside(why);
	a->dead = true;
}

static void on_reply(void *arg, const struct helper_reply *r)
{
	struct remote_ask *a = arg;

	if (r->type == HELPER_WARNING) {
		print_aside(r->text);
		return;
	}
	if (r->type == HELPER_FAILED)
		give_up(a, r->text);
	a->answered = true;
	a->found = r->type == HELPER_RECORD;
	a->reply = *r;
}

static int start(struct remote_ask *a, struct err **err)
{
	const struct helper_opts o = {a->worker, build_id, store_dir(a->s->store), false};

	return a->helper ? 0 : helper_open(&o, &a->helper, err);
}

/* Until it is answered, nobody will answer, or it took too long. */
static void wait_answer(struct remote_ask *a)
{
	uint64_t until = clock_ms() + ANSWER_MS;
	struct err *err cleanup_err = NULL;

	while (!a->answered && !a->dead) {
		struct pollfd p = {.fd = helper_fd(a->helper), .events = helper_events(a->helper)};

		if (clock_ms() >= until)
			give_up(a, "the shared cache does not answer");
		else if (poll(&p, 1, 100) > 0 &&
			 helper_io(a->helper, p.revents, a->arena, on_reply, a, &err) < 0)
			give_up(a, err->text);
	}
}

/* 0: A->reply is the record of KEY. */
static int ask(struct remote_ask *a, struct arena *arena, const struct node *n,
	       const struct digest *key, size_t manifest_size)
{
	struct artifact *wanted cleanup_free = xcalloc(n->outputs.count + 1, sizeof(*wanted));
	const struct kind *k = n->recipe->kind;
	struct err *err cleanup_err = NULL;

	for (size_t i = 0; i < n->outputs.count; i++)
		wanted[i] = (struct artifact){.name = n->outputs.items[i].name,
					      .type = n->outputs.items[i].type};
	a->arena = arena;
	a->answered = a->found = false;
	if (a->dead || !n->outputs.count || (k->shared && !k->shared(n->recipe->opts)))
		return 1;
	if (start(a, &err) < 0) {
		give_up(a, err->text);
		return 1;
	}
	helper_ask(a->helper, n->index, key, manifest_size, wanted, n->outputs.count);
	wait_answer(a);
	return a->found ? 0 : 1;
}

int remote_ask_node(void *arg, struct graph *g, struct node *n, uint64_t *ret_bytes,
		    const char **ret_by)
{
	struct remote_ask *a = arg;
	struct record *rec;

	if (ask(a, g->arena, n, &n->key, strlen(n->manifest)) != 0)
		return 1;
	rec = arena_alloc(g->arena, sizeof(*rec));
	*rec = a->reply.record;
	rec->key = n->key;
	rec->node = n->name;
	rec->manifest = n->manifest;
	n->record = rec;
	*ret_by = a->reply.by;
	*ret_bytes = 0;
	for (size_t i = 0; i < rec->output_count; i++)
		if (!store_blob_is_here(a->s->store, &rec->outputs[i]))
			*ret_bytes += a->reply.moves[i];
	return 0;
}

bool remote_ask_key(struct remote_ask *a, const struct node *n, const struct record *old)
{
	return ask(a, a->s->arena, n, &old->key, strlen(old->manifest)) == 0;
}
