/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch flash --provision: cards for the units of a factory (fleet.h), one process each. What is
 * the unit's own (provision.h) is laid over the data partition of the image in a file of its own,
 * before any card is touched; the image stays what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/as_owner.h"
#include "cli/builder.h"
#include "cli/flash_priv.h"
#include "cli/json.h"
#include "kinds/device/provision.h"
#include "kinds/device/device_opts.h"
#include "media/disk/gpt.h"
#include "media/ext4/ext4.h"

/* A card, and the unit that it becomes. */
struct card {
	struct flash medium;
	struct taken taken;
	struct gpt_part part; /* of the image */
	int own;              /* the partition as this unit has it */
	json_t *keys;
	pid_t pid; /* 0: it has ended */
	uint64_t done;
};

struct factory {
	struct flashing *f;
	struct fleet units;
	struct card *cards;
	size_t count;
	char *scratch;
	struct digest image;
	int pipe[2]; /* of struct said, from all */
};

/* What the process of a card tells; shorter than PIPE_BUF, so that it arrives whole. */
struct said {
	size_t card;
	uint64_t done; /* bytes written, then read back */
};

/* ---- before anything is written ---- */

static int open_media(struct factory *y, const struct cli *c, struct err **err)
{
	for (size_t i = 0; i < y->count; i++) {
		struct flash *m = &y->cards[i].medium;
		struct stat st, other;

		if (flash_open(c->args.items[i + 1], c->fixed, m, err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (fstat(m->fd, &st) == 0 && fstat(y->cards[k].medium.fd, &other) == 0 &&
			    st.st_ino == other.st_ino && st.st_dev == other.st_dev)
				return err_set(err, E_USAGE, "'%s' and '%s' are the same",
					       y->cards[k].medium.path, m->path);
	}
	return 0;
}

/* Where the unit's own lies: what provision.yaml says, else the state of the device. */
static const char *partition_name(const struct factory *y, const struct provision *p,
				  struct err **err)
{
	const struct session *s = &y->f->s;
	struct str why cleanup_str = STR_INIT;
	const struct recipe *device;
	const struct device_opts *o;

	if (p->partition)
		return p->partition;
	device = device_find(&s->graph->project->recipes, NULL, y->f->node->name,
			     "name the 'partition' in provision.yaml", &why);
	o = device ? device->opts : NULL;
	if (o && o->state && o->state->partition)
		return o->state->partition;
	err_set(err, E_DEVICE_UNKNOWN,
		"name the 'partition' for the unit's own in provision.yaml, for %s",
		device ? "the device has no 'state: partition'" : why.buf);
	return NULL;
}

static int find_part(const struct factory *y, const char *name, struct gpt_part *ret,
		     struct err **err)
{
	struct gpt_parts parts = {0};
	bool found = false;

	if (gpt_read(y->f->path, &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.count && !found; i++) {
		*ret = parts.items[i];
		found = str_eq(ret->name, name);
	}
	gpt_parts_clear(&parts);
	return found ? 0
		     : err_set(err, E_INVALID_VALUE, "the image of node '%s' has no partition '%s'",
			       y->f->node->name, name);
}

/*
 * A file of the partition's size, whose file system has what T has. It loses its name at once:
 * there are private keys in it.
 */
static int write_part(struct card *card, const struct ext4_identity *id, struct tree *t,
		      const char *path, struct err **err)
{
	struct ext4_opts opts = {.size = id->size,
				 .uuid = id->uuid,
				 .seed = id->seed,
				 .label = *id->label ? id->label : NULL,
				 .reserved_percent = id->reserved_percent,
				 .inodes = id->inodes};
	char *name cleanup_free = xasprintf("partition '%s'", card->part.name);
	int rc;

	card->own = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (card->own < 0 || ftruncate(card->own, (off_t)card->part.size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	rc = ext4_write(t, path, 0, name, &opts, err);
	unlink(path);
	return rc;
}

static int lay_out(struct factory *y, struct card *card, const struct provision *p,
		   struct err **err)
{
	const char *serial = card->taken.unit->serial;
	struct tree *t cleanup_tree = tree_new((uint64_t)time(NULL), y->scratch);
	char *path cleanup_free = path_join(y->scratch, serial);
	const char *state = ext4_state(y->f->image, card->part.start);
	struct ext4_identity id;

	if (!state || ext4_identify(y->f->image, card->part.start, &id))
		return err_set(err, E_WRONG_INPUT,
			       "partition '%s' of the image of node '%s' has no ext4 file system: "
			       "only such a one can have files of a unit's own",
			       card->part.name, y->f->node->name);
	if (ext4_read_tree(t, y->f->path, card->part.start, err) < 0 ||
	    provision_fill(p, y->units.dir, y->scratch, serial, t, card->keys, err) < 0)
		return -1;
	return write_part(card, &id, t, path, err);
}

static int prepare(struct factory *y, struct card *card, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};
	const struct provision *p;
	const char *name;

	if (fleet_take(&y->units, y->f->s.cli->unit, &card->taken, err) < 0)
		return -1;
	p = provision_read(y->f->s.arena, y->units.dir, card->taken.unit, &errors);
	if (!p)
		return err_all(err, &errors);
	name = partition_name(y, p, err);
	card->keys = json_object();
	if (!name || find_part(y, name, &card->part, err) < 0 || lay_out(y, card, p, err) < 0)
		return err_wrap(err, "unit '%s'", card->taken.unit->serial);
	return flash_fits(&card->medium, y->f->size, err);
}

static int prepare_all(struct factory *y, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};
	size_t left;

	if (fleet_read(y->f->s.arena, y->f->s.cli->provision, &y->units, &errors) < 0)
		return err_all(err, &errors);
	left = fleet_left(&y->units);
	if (!y->f->s.cli->unit && left && left < y->count)
		return err_set(err, E_UNITS_DONE,
			       "%zu units are left in '%s/units.csv', and these are "
			       "%zu devices",
			       left, y->units.dir, y->count);
	if (tmp_dir(store_subdir(y->f->s.store, "tmp"), "units", &y->scratch, err) < 0)
		return -1;
	for (size_t i = 0; i < y->count; i++)
		if (prepare(y, &y->cards[i], err) < 0)
			return -1;
	return digest_fd(y->f->image, y->f->path, &y->image, err);
}

/* ---- the process of a card ---- */

struct telling {
	const struct factory *y;
	size_t card;
	uint64_t before;
};

static void tell(void *arg, uint64_t done, uint64_t total)
{
	const struct telling *t = arg;
	const struct said p = {t->card, t->before + done};

	(void)!write(t->y->pipe[1], &p, sizeof(p));
}

static int write_card(const struct factory *y, size_t i, struct err **err)
{
	struct card *card = &y->cards[i];
	struct flash *m = &card->medium;
	const char *name = y->f->node->name;
	struct telling t = {y, i, 0};

	if (flash_write(m, y->f->image, name, tell, &t, err) < 0)
		return -1;
	t.before = y->f->size;
	if (flash_verify(m, y->f->image, name, tell, &t, err) < 0)
		return -1;
	if (m->size > m->want && gpt_fit(m->fd, m->path, err) < 0)
		return -1;
	if (flash_replace(m, card->own, card->part.name, card->part.start, card->part.size, err) <
	    0)
		return -1;
	return fd_sync(m->fd, m->path, err);
}

static void card_main(const struct factory *y, size_t i, pid_t parent)
{
	struct err *err = NULL;
	int code = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	if (write_card(y, i, &err) < 0)
		code = cli_fail(&y->f->s, err);
	fflush(NULL);
	_exit(code);
}

static int start(struct factory *y, size_t i, struct err **err)
{
	const pid_t us = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot start a process");
	if (pid == 0)
		card_main(y, i, us);
	y->cards[i].pid = pid;
	return 0;
}

/* ---- all of them ---- */

static json_t *line_of(const struct factory *y, const struct card *card)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return json_pack("{s:i, s:s, s:s, s:o, s:I, s:s, s:s, s:O}", "v", 1, "serial",
			 card->taken.unit->serial, "node", y->f->node->name, "image",
			 json_digest(&y->image), "size", (json_int_t)y->f->size, "device",
			 card->medium.path, "written", when, "keys", card->keys);
}

/* The line that units.jsonl gets is what is printed. */
static int finish_card(struct factory *y, struct card *card, struct err **err)
{
	json_t *line = line_of(y, card);
	int rc = fleet_done(&y->units, card->taken.unit, line, err);

	task_pause(&y->f->task);
	if (rc == 0 && y->f->s.cli->json)
		json_print(stdout, json_incref(line), true);
	else if (rc == 0)
		printf("unit '%s' is on %s\n", card->taken.unit->serial, card->medium.path);
	fflush(stdout);
	json_decref(line);
	return rc;
}

/* Goes through all processes that have ended. Exit codes of others than 0 become *CODE. */
static int reap(struct factory *y, size_t *running, int *code, struct err **err)
{
	for (size_t i = 0; i < y->count; i++) {
		struct card *card = &y->cards[i];
		int status;

		if (!card->pid || waitpid(card->pid, &status, WNOHANG) != card->pid)
			continue;
		card->pid = 0;
		(*running)--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			if (finish_card(y, card, err) < 0)
				return -1;
			continue;
		}
		task_pause(&y->f->task);
		fprintf(stderr, "unit '%s' is not done, and %s not to be used\n",
			card->taken.unit->serial, card->medium.path);
		*code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
	}
	return 0;
}

static void hear(struct factory *y)
{
	struct pollfd p = {.fd = y->pipe[0], .events = POLLIN};
	struct said said;
	uint64_t done = 0;

	if (poll(&p, 1, 100) != 1 || read(y->pipe[0], &said, sizeof(said)) != sizeof(said))
		return;
	y->cards[said.card].done = said.done;
	for (size_t i = 0; i < y->count; i++)
		done += y->cards[i].done;
	task_part(&y->f->task, done, 2 * y->f->size * y->count);
}

static int write_all(struct factory *y, int *code, struct err **err)
{
	char *text cleanup_free =
		y->count == 1 ? xasprintf("writing unit '%s'", y->cards[0].taken.unit->serial)
			      : xasprintf("writing %zu units", y->count);
	size_t running = 0;
	int rc = 0;

	if (pipe2(y->pipe, O_CLOEXEC) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot create a pipe");
	fflush(stdout);
	for (; running < y->count && rc == 0; running += rc == 0)
		rc = start(y, running, err);
	task_open(&y->f->task, TASK_TERMINAL);
	task_begin(&y->f->task, text);
	while (running && rc == 0) {
		hear(y);
		rc = reap(y, &running, code, err);
	}
	task_close(&y->f->task);
	return rc;
}

static int run(struct factory *y, struct cli *c)
{
	struct flash *media[64];
	struct err *err = NULL;
	int code;

	if (open_media(y, c, &err) < 0 || act_as_owner(c, &err) < 0)
		return cli_fail(&y->f->s, err);
	code = builder_first(c, &y->f->s);
	if (code)
		return code;
	for (size_t i = 0; i < y->count; i++)
		media[i] = &y->cards[i].medium;
	if (flash_open_image(y->f, c->args.items[0], &err) < 0 || prepare_all(y, &err) < 0 ||
	    flash_ask(c, media, y->count, &err) < 0 || write_all(y, &code, &err) < 0)
		return cli_fail(&y->f->s, err);
	return code;
}

static void factory_clear(struct factory *y)
{
	struct err *ignored cleanup_err = NULL;

	for (size_t i = 0; i < y->count; i++) {
		flash_close(&y->cards[i].medium);
		fleet_release(&y->cards[i].taken);
		fd_closep(&y->cards[i].own);
		json_decref(y->cards[i].keys);
	}
	free(y->cards);
	fleet_clear(&y->units);
	fd_closep(&y->pipe[0]);
	fd_closep(&y->pipe[1]);
	if (y->scratch)
		(void)!path_remove(y->scratch, &ignored);
	free(y->scratch);
}

int flash_units(struct flashing *f, struct cli *c)
{
	struct factory y = {.f = f, .count = c->args.count - 1, .pipe = {-1, -1}};
	struct err *err = NULL;
	int code;

	if (c->unit && y.count > 1) {
		err_set(&err, E_USAGE, "--unit names the unit of one DEVICE");
		return cli_fail(&f->s, err);
	}
	y.cards = xcalloc(y.count, sizeof(*y.cards));
	for (size_t i = 0; i < y.count; i++)
		y.cards[i] = (struct card){.medium = {.fd = -1}, .taken = {.fd = -1}, .own = -1};
	code = run(&y, c);
	factory_clear(&y);
	return code;
}
