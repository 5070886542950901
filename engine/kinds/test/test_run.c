/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/test/test_run.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/test/board_use.h"
#include "kinds/test/remote_use.h"
#include "machine/board/rauc_board.h"
#include "media/ext4/ext4.h"
#include "scenario/remote_card.h"

#define MEDIA_ROOM (16u << 20)
#define DEVICE_MAX (1u << 20) /* of device.json */

/* -- what a scenario begins with -- */

static int open_board(struct test_run *r, struct err **err)
{
	struct board_files files;

	if (board_use_open(r->a, r->o->board, &r->board, &files, err) < 0)
		return -1;
	r->stage.power.firmware = files.firmware;
	r->stage.power.device_tree = files.device_tree;
	r->stage.power.initramfs = files.initramfs;
	if (board_is_rauc(&r->board)) /* nobody else tells the choice */
		r->target.chosen = TARGET_CHOSEN_BY_KERNEL;
	r->new_variables = files.variables;
	r->stage.power.qemu = files.qemu;
	return board_is_remote(&r->board) ? remote_use_open(r, err) : 0;
}

/* What only the board can tell. */
static int check_step(const struct test_run *r, const struct formed *s, struct err **err)
{
	const struct verb *v = step_verb(s);
	const char *board = r->o->board->text;
	struct str why cleanup_str = STR_INIT;

	if ((step_traits(s) & STEP_NEEDS_AGENT) && r->board.agent == BOARD_AGENT_NONE)
		return err_set(err, E_BOARD_LACKS,
			       "%s: '%s' needs commands in the guest, but board '%s' takes none "
			       "(agent: none)",
			       action_place(r->a, s->pos), v->form.name, board);
	if ((step_traits(s) & STEP_NEEDS_NETWORK) && r->board.network == BOARD_NET_NONE)
		return err_set(err, E_BOARD_LACKS,
			       "%s: '%s' needs a network, and board '%s' has none",
			       action_place(r->a, s->pos), v->form.name, board);
	if (v->refuse && v->refuse(s->data, &r->board, board, &why))
		return err_set(err, E_BOARD_LACKS, "%s: %s", action_place(r->a, s->pos), why.buf);
	return 0;
}

static int check_kept_card(const struct test_run *r, struct err **err)
{
	if (remote_card_is_readable(&r->remote))
		return 0;
	return err_set(err, E_BOARD_LACKS,
		       "'keep-card' needs a card that can be read back: give board '%s' a 'card' "
		       "or 'read' in %s",
		       r->remote.name, r->remote.config);
}

static int check_steps(struct test_run *r, struct err **err)
{
	for (size_t i = 0; i < r->o->steps.count; i++) {
		const struct formed *s = LIST_AT(r->o->steps, struct formed *, i);
		int rc = r->stage.remote ? remote_use_check(r, s, err) : check_step(r, s, err);

		if (rc < 0)
			return -1;
		r->results[i].unseen = rc == 1;
	}
	return r->o->keep_card && r->stage.remote ? check_kept_card(r, err) : 0;
}

static int make_card(struct test_run *r, struct err **err)
{
	struct stat st;

	r->stage.start = action_input(r->a, r->o->card)->path;
	r->stage.card = arena_printf(r->a->arena, "%s/card.img", r->a->workdir);
	if (stat(r->stage.start, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", r->o->card->text);
	if ((uint64_t)st.st_size > r->o->card_size)
		return err_set(err, E_IMAGE_TOO_LARGE,
			       "image '%s' has %llu bytes, more than the card: raise 'card-size'",
			       r->o->card->text, (unsigned long long)st.st_size);
	if (r->remote.card) {
		r->stage.card = r->remote.card;
		return remote_card_make(&r->stage, err);
	}
	if (file_copy(r->stage.start, r->stage.card, 0600, err) < 0)
		return -1;
	if (truncate(r->stage.card, (off_t)r->o->card_size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create a card");
	return r->stage.remote ? remote_card_make(&r->stage, err) : 0;
}

/* The board's own variable store: what the firmware writes there stays for the whole scenario. */
static int make_variables(struct test_run *r, struct err **err)
{
	if (!r->new_variables)
		return 0;
	r->stage.variables = arena_printf(r->a->arena, "%s/variables", r->a->workdir);
	r->stage.power.variables = r->stage.variables;
	return file_copy(r->new_variables, r->stage.variables, 0600, err);
}

/* "NODE/FILE" on the disk of media. */
static const char *media_name(struct test_run *r, const struct ref *ref)
{
	const struct action_input *in = action_input(r->a, ref);

	return arena_printf(r->a->arena, "%s/%s", in->node ? path_base(in->node) : "project",
			    in->output ? in->output : path_base(ref->text));
}

/* For a remote board, whose system is given them by its commands (scene_remote.h). */
static void carry(struct test_run *r, const char *path, const char *name, uint64_t size)
{
	struct board_files_carried *c = &r->carried;
	size_t have = c->count * sizeof(*c->items);
	struct carried *items = arena_alloc(r->a->arena, have + sizeof(*items));

	if (have)
		memcpy(items, c->items, have);
	items[c->count++] = (struct carried){path, name};
	c->items = items;
	c->size += size;
	r->stage.power.carry = c;
}

static int add_media(struct test_run *r, struct tree *t, const struct ref *ref, uint64_t *size,
		     struct err **err)
{
	const struct action_input *in = action_input(r->a, ref);
	const char *name = media_name(r, ref);
	struct tree_entry *old = tree_lookup(t, name);
	struct stat st;

	if (in->type != INPUT_FILE)
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file: media are files", ref->text);
	if (stat(in->path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", ref->text);
	if (old && old->inode->size != (uint64_t)st.st_size)
		return err_set(err, E_DUPLICATE_NAME,
			       "two files of the media are called '%s': rename a node", name);
	if (old)
		return 0;
	*size += (uint64_t)st.st_size;
	if (r->stage.remote)
		carry(r, in->path, name, (uint64_t)st.st_size);
	return tree_copy_path(t, name, in->path, TREE_SKIP_GIT, err);
}

/* The disk with files for the guest, when there are any. */
static int make_media(struct test_run *r, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(r->a->epoch, r->a->workdir);
	const char *path = arena_printf(r->a->arena, "%s/media.img", r->a->workdir);
	unsigned char uuid[16];
	struct ext4_opts opts = {.uuid = uuid, .seed = uuid};
	uint64_t size = 0;

	for (size_t i = 0; i < r->o->media.count; i++) {
		if (add_media(r, t, LIST_AT(r->o->media, struct ref *, i), &size, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->o->steps.count; i++) {
		const struct formed *s = LIST_AT(r->o->steps, struct formed *, i);
		const struct verb *v = step_verb(s);

		if (v->medium && add_media(r, t, v->medium(s->data), &size, err) < 0)
			return -1;
	}
	if (!size || r->stage.remote)
		return 0;
	uuid_derive(uuid, r->a->project, r->a->identity, "media", NULL);
	opts.size = (size + size / 32 + MEDIA_ROOM) & ~(uint64_t)4095;
	if (file_write(path, "", 0, 0600, false, err) < 0)
		return -1;
	if (truncate(path, (off_t)opts.size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create the disk of media");
	r->stage.power.media = path;
	return ext4_write(t, path, 0, "the disk of media", &opts, err);
}

/* -- what the stage asks for -- */

static const char *host_path(void *arg, const struct ref *ref)
{
	const struct test_run *r = arg;

	return action_input(r->a, ref)->path;
}

static const char *host_media(void *arg, const struct ref *ref)
{
	struct test_run *r = arg;

	return arena_printf(r->a->arena, "/run/orch/media/%s", media_name(r, ref));
}

static void host_progress(void *arg, int percent, const char *text)
{
	struct test_run *r = arg;

	action_progress(r->a, percent, "%s", text);
}

static const struct stage_host host = {
	.path = host_path,
	.media = host_media,
	.progress = host_progress,
};

static int read_device(struct test_run *r, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (file_read(action_fact(r->a)->path, DEVICE_MAX, &text, err) < 0)
		return -1;
	r->stage.target = &r->target;
	return target_parse(r->a->arena, text.buf, &r->target, err);
}

static int set_stage(struct test_run *r, struct err **err)
{
	struct stage *s = &r->stage;

	s->arena = r->a->arena;
	s->dir = r->a->workdir;
	s->board = &r->board;
	s->card_size = r->o->card_size;
	s->host = &host;
	s->arg = r;
	return test_needs_device(r->o) ? read_device(r, err) : 0;
}

static void web_said(void *arg, const char *line)
{
	struct test_run *r = arg;

	scene_note(r->stage.scene, "web: %s", line);
}

static int prepare(struct test_run *r, struct err **err)
{
	struct scene_opts opts = {.board = &r->board,
				  .dir = r->a->workdir,
				  .never = r->o->never.items,
				  .never_count = r->o->never.count,
				  .total_s = (unsigned)r->o->timeout,
				  .log = test_console_line,
				  .arg = r};

	if (set_stage(r, err) < 0)
		return -1;
	if (test_has_trait(r->o, STEP_NEEDS_WEB))
		opts.web = r->stage.web = web_new(web_said, r);
	r->results = arena_alloc(r->a->arena, r->o->steps.count * sizeof(*r->results));
	r->console = fopen(action_output(r->a, "console.log"), "we");
	if (!r->console)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write console.log");
	if (open_board(r, err) < 0 || check_steps(r, err) < 0)
		return -1;
	action_progress(r->a, -1, "making the card");
	opts.remote = r->stage.remote;
	if (scene_new(&opts, &r->stage.scene, err) < 0)
		return -1;
	if (make_card(r, err) < 0 || make_variables(r, err) < 0)
		return -1;
	return make_media(r, err);
}

/* -- the steps -- */

/* "recipes/tests/x.yaml:14: step 3 of 9 (wait ...): TEXT; the console's last line: '...'" */
static int blame(struct test_run *r, size_t i, const char *title, struct err **err)
{
	const struct formed *s = LIST_AT(r->o->steps, struct formed *, i);
	struct err *cause cleanup_err = steal_ptr(*err);
	const char *last = scene_last_line(r->stage.scene);
	struct str text cleanup_str = STR_INIT;

	r->failed = i + 1;
	str_printf(&text, "%s: step %zu of %zu (%s): %s", action_place(r->a, s->pos), i + 1,
		   r->o->steps.count, title, cause->text);
	if (*last)
		str_printf(&text, "; the console's last line: '%s'", last);
	scene_note(r->stage.scene, "failed: %s", cause->text);
	return err_set(err, cause->code, "%s", test_plain(r->a->arena, text.buf));
}

/* A step that looks at a card which nobody can look at is left out, but for what else it waits. */
static int play(struct test_run *r, const struct formed *s, const struct step_result *result,
		struct err **err)
{
	unsigned traits = step_traits(s);
	bool reads = traits & STEP_READS_CARD, changes = traits & STEP_CHANGES_CARD;

	if (result->unseen)
		scene_note(r->stage.scene, "the card cannot be seen: left out");
	if (result->unseen && reads)
		return 0;
	if (r->stage.remote && (reads || changes) && remote_card_take(&r->stage, changes, err) < 0)
		return -1;
	return step_verb(s)->run(&r->stage, s->data, err);
}

static int do_step(struct test_run *r, size_t i, struct err **err)
{
	const struct formed *s = LIST_AT(r->o->steps, struct formed *, i);
	const char *title = step_title(r->a->arena, s);
	uint64_t start = clock_ms();
	int rc;

	scene_note(r->stage.scene, "step %zu of %zu: %s", i + 1, r->o->steps.count, title);
	action_progress(r->a, (int)(100 * i / r->o->steps.count), "step %zu of %zu: %s", i + 1,
			r->o->steps.count, title);
	rc = play(r, s, &r->results[i], err);
	r->results[i].seconds = (double)(clock_ms() - start) / 1000;
	r->results[i].done = rc == 0;
	return rc < 0 ? blame(r, i, title, err) : 0;
}

static int do_steps(struct test_run *r, struct err **err)
{
	for (size_t i = 0; i < r->o->steps.count; i++) {
		if (do_step(r, i, err) < 0)
			return -1;
	}
	return scene_cut(r->stage.scene, err);
}

static int keep_remote_card(struct test_run *r, struct err **err)
{
	const char *kept = action_output(r->a, "card.img");

	if (remote_card_take(&r->stage, false, err) < 0 ||
	    file_copy(r->stage.card, kept, 0600, err) < 0)
		return -1;
	if (truncate(kept, (off_t)r->stage.card_size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot keep the card");
	return 0;
}

static int finish(struct test_run *r, int rc, struct err **err)
{
	struct err *ignored cleanup_err = NULL;

	if (rc < 0) {
		if (scene_cut(r->stage.scene, &ignored) < 0 ||
		    test_report(r, (*err)->text, &ignored) < 0)
			action_log(r->a, "%s", ignored ? ignored->text : "");
		action_log(r->a,
			   "the card and console.log are in the directory of the failed node");
		return -1;
	}
	if (test_report(r, NULL, err) < 0)
		return -1;
	if (r->o->keep_card && r->stage.remote)
		return keep_remote_card(r, err);
	if (r->o->keep_card && rename(r->stage.card, action_output(r->a, "card.img")) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot keep the card");
	return 0;
}

static int test_scenario(struct action *a, struct err **err)
{
	struct test_run r = {.a = a, .o = a->opts};
	int rc = prepare(&r, err);

	if (rc == 0)
		rc = finish(&r, do_steps(&r, err), err);
	scene_free(r.stage.scene);
	web_free(r.stage.web);
	remote_board_clear(&r.remote);
	board_clear(&r.board);
	target_clear(&r.target);
	if (r.console)
		fclose(r.console);
	return rc;
}

const struct maker maker_test = {
	.kind = &kind_test,
	.run = test_scenario,
};
