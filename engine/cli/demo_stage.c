/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The demo's board with its disk, and what is seen of it. */
#include <limits.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/demo.h"
#include "cli/paint.h"
#include "cli/task.h"
#include "cli/terminal.h"
#include "kinds/test/board_use.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree.h"
#include "scenario/card.h"

#define MEDIA_ROOM (16u << 20)

volatile sig_atomic_t demo_signal;

/* -- what is seen -- */

/* One item after what is on the line, or on a new one; *COL columns of it are in use. */
static void put_item(struct str *text, size_t *col, const char *item, unsigned columns)
{
	size_t len = strlen(item), most = columns > 1 ? columns - 1 : 1;

	if (*col && *col + 2 + len > most) {
		str_append_char(text, '\n');
		*col = 0;
	}
	len = len < most ? len : most;
	str_printf(text, "%*s%.*s", *col ? 2 : 0, "", (int)len, item);
	*col += len + (*col ? 2 : 0);
}

/* Power, slot and keys, in as many lines as they take. */
static void key_lines(const struct demo *d, unsigned columns, struct str *ret)
{
	static const char *const keys[] = {"u update", "b broken", "x cut power",
					   "r reboot", "s slots",  "q quit"};
	const char *slot = d->slot < 0 ? "-" : d->target.slots.items[d->slot].bootname;
	char *state cleanup_free =
		xasprintf("[%s, slot %s]", scene_is_on(d->stage.scene) ? "on" : "off", slot);
	size_t col = 0;

	put_item(ret, &col, state, columns);
	for (size_t i = 0; i < array_len(keys); i++)
		put_item(ret, &col, keys[i], columns);
	str_append_char(ret, '\n');
}

void demo_draw(struct demo *d, bool again)
{
	struct str text cleanup_str = STR_INIT;

	if (!d->keys)
		return;
	key_lines(d, d->plain ? UINT_MAX : terminal_size().columns, &text);
	if ((!again || d->plain) && d->drawn && str_eq(d->drawn, text.buf))
		return;
	if (d->plain)
		fputs(text.buf, stderr);
	else
		terminal_draw(&text);
	free(d->drawn);
	d->drawn = str_steal(&text);
}

/* A line above the keys, or on stdout. */
static void print(struct demo *d, const char *before, const char *text, bool foreign)
{
	const struct paint *p = paint_for(&d->cli, d->keys ? stderr : stdout);
	struct str line cleanup_str = STR_INIT;

	str_append(&line, foreign ? p->dim : p->bold);
	str_append(&line, before);
	str_escape(&line, text, strlen(text));
	str_append(&line, p->off);
	str_append_char(&line, '\n');
	if (d->keys && !d->plain) {
		terminal_print(line.buf);
		demo_draw(d, true);
		return;
	}
	fputs(line.buf, d->keys ? stderr : stdout);
	fflush(stdout);
}

void demo_say(struct demo *d, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	print(d, "== ", text, false);
}

/* What a line of the scene says, after its time. */
static const char *said(const char *line)
{
	const char *end = *line == '[' ? strstr(line, "] ") : NULL;

	return end ? end + 2 : line;
}

/* How it is started; that a command began, and that it ended well. */
static bool is_dull(enum scene_source source, const char *line)
{
	const char *note = source == SCENE_NOTE ? said(line) : "";

	if (source == SCENE_QEMU)
		return *line != '[';
	return str_skip(note, "-- command ") &&
	       (!strstr(note, " ended with ") || str_ends(note, " ended with 0"));
}

static void hear(void *arg, enum scene_source source, const char *line)
{
	struct err *ignored cleanup_err = NULL;
	struct demo *d = arg;
	size_t slot;

	if (is_dull(source, line))
		return;
	if (source == SCENE_CONSOLE && choice_line(&d->choices, said(line), &slot, &ignored) == 1)
		d->slot = (int)slot;
	print(d, "", line, true);
}

static void show_slots(struct demo *d, const struct boot_state *state)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < d->target.slots.count; i++) {
		const struct target_slot *slot = &d->target.slots.items[i];

		str_printf(&text, "%s%s in %s%s, %s", i ? "; " : "", slot->bootname,
			   slot->partition, d->slot == (int)i ? " (chosen last)" : "",
			   state->left[i] > 0 ? "good" : "not marked good");
	}
	demo_say(d, "slots: %s", text.buf);
	demo_say(d, "next: the first good one of '%s'", state->order ? state->order : "");
}

int demo_is_good(struct demo *d, bool *ret, struct err **err)
{
	struct boot_state state cleanup_boot_state = {0};

	if (card_read_state(&d->stage, &state, err) < 0)
		return -1;
	*ret = d->slot >= 0 && state.left[d->slot] > 0;
	return 0;
}

int demo_show_card(struct demo *d, struct err **err)
{
	struct boot_vars vars cleanup_boot_vars = {0};
	struct boot_state state cleanup_boot_state = {0};
	struct str text cleanup_str = STR_INIT;

	if (card_read_vars(&d->stage, &vars, err) < 0)
		return -1;
	d->target.chooser->get(&vars, &d->target, &state);
	show_slots(d, &state);
	for (size_t i = 0; i < vars.vars.count; i++)
		str_printf(&text, "%s%s", i ? "; " : "", vars.vars.items[i]);
	demo_say(d, "boot environment: %s", text.len ? text.buf : "not valid");
	return 0;
}

/* -- the stage -- */

static void on_signal(int number)
{
	demo_signal = number;
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < array_len(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

static int add_bundle(struct demo *d, struct tree *t, const char *node, const char *name,
		      uint64_t *size, struct err **err)
{
	const struct node *n = session_node(&d->s, node, err);
	char *path cleanup_free = n ? boot_parts_blob(&d->s, n, NULL) : NULL;

	if (!n)
		return -1;
	if (!path)
		return err_set(err, E_INTERNAL, "node '%s' has no output", node);
	*size += boot_parts_output(n, NULL)->size;
	return tree_copy_path(t, name, path, 0, err);
}

/* The disk with both bundles, from which the guest installs. */
static int make_media(struct demo *d, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, d->dir);
	static const unsigned char uuid[16] = "orch demo media";
	struct ext4_opts opts = {.uuid = uuid, .seed = uuid};
	uint64_t size = 0;

	d->media = path_join(d->dir, "media.img");
	if (add_bundle(d, t, DEMO_GOOD, DEMO_GOOD_FILE, &size, err) < 0 ||
	    add_bundle(d, t, DEMO_BROKEN, DEMO_BROKEN_FILE, &size, err) < 0)
		return -1;
	opts.size = (size + size / 32 + MEDIA_ROOM) & ~(uint64_t)4095;
	if (file_write(d->media, "", 0, 0600, false, err) < 0)
		return -1;
	if (truncate(d->media, (off_t)opts.size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create the disk of media");
	return ext4_write(t, d->media, 0, "the disk of media", &opts, err);
}

static int read_board(struct demo *d, struct err **err)
{
	const struct node *n = session_node(&d->s, DEMO_BOARD, err);
	char *json cleanup_free = n ? boot_parts_blob(&d->s, n, BOARD_JSON) : NULL;

	if (!n)
		return -1;
	d->firmware = boot_parts_blob(&d->s, n, BOARD_FIRMWARE);
	if (!json || !d->firmware)
		return err_set(err, E_INTERNAL, "board '%s' has no description", n->name);
	if (boot_parts_variables(&d->s, n, d->dir, &d->variables, err) < 0)
		return -1;
	return board_read(json, &d->board, err);
}

static int read_disk(struct demo *d, struct err **err)
{
	const struct node *n = session_node(&d->s, DEMO_DISK, err);

	if (!n || boot_parts_device(&d->s, n, "the demo", &d->target, err) < 0 ||
	    choice_lines_init(&d->choices, &d->target, err) < 0)
		return -1;
	d->choices_ready = true;
	d->card = path_join(d->dir, "card.img");
	return boot_parts_card(&d->s, n, d->card, &d->stage.card_size, err);
}

int demo_open(struct demo *d, struct err **err)
{
	const struct scene_opts opts = {.board = &d->board, .log = hear, .arg = d};
	struct scene_opts o = opts;

	catch_signals();
	d->slot = -1;
	if (tmp_dir(store_subdir(d->s.store, "tmp"), "demo", &d->dir, err) < 0 ||
	    read_board(d, err) < 0 || read_disk(d, err) < 0 || make_media(d, err) < 0)
		return -1;
	o.dir = d->dir;
	o.stop = &demo_signal;
	d->stage.arena = d->s.arena;
	d->stage.dir = d->dir;
	d->stage.board = &d->board;
	d->stage.target = &d->target;
	d->stage.card = d->card;
	d->stage.power.firmware = d->firmware;
	d->stage.power.variables = d->variables;
	d->stage.power.media = d->media;
	return scene_new(&o, &d->stage.scene, err);
}

void demo_close(struct demo *d)
{
	struct err *ignored cleanup_err = NULL;

	scene_free(d->stage.scene);
	if (d->dir && path_remove(d->dir, &ignored) < 0)
		print_aside(ignored->text);
	if (d->choices_ready)
		choice_lines_clear(&d->choices);
	board_clear(&d->board);
	target_clear(&d->target);
	free(d->dir);
	free(d->card);
	free(d->media);
	free(d->firmware);
	free(d->variables);
	free(d->drawn);
	session_close(&d->s);
}
