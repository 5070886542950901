/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the target may not contain. */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "check/view.h"
#include "kinds/tree/content.h"

#define MAX_TEMPLATE_BYTES (1024 * 1024) /* template.h */
#define SCAN_BYTES (1024 * 1024)         /* of each file; the image's own look is at all of it */

static int no_private_key(struct check_view *v, const struct check_file *f, struct err **err)
{
	char *path cleanup_free = path_join(v->g->project->dir, f->path);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text cleanup_free = xcalloc(1, SCAN_BYTES + 1);
	struct pos pos = {.file = arena_strdup(v->arena, f->path), .line = 1, .col = 1};
	const char *what;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'", f->path);
	n = pread(fd, text, SCAN_BYTES, 0);
	what = n > 0 ? private_key_in(text, (size_t)n) : NULL;
	if (what)
		check_say(
			v, CHECK_PRIVATE_KEY, pos,
			"a private key would be in '%s' as '%s' (%s); keys are made on the device "
			"or stay in pki/private/",
			f->image->name, f->target, what);
	return 0;
}

/* Whether the LEN bytes at NAME, between the braces, are what a template would replace. */
static bool is_replaced(const struct check_view *v, const char *name, size_t len)
{
	char *text cleanup_free = xstrndup(name, len);
	char *node = text + strspn(text, " \t"), *end = node + strcspn(node, "#: \t|");

	if (str_skip(node, "project.") || str_skip(node, "vars."))
		return true;
	if (*end != '#' && *end != ':')
		return false;
	*end = 0;
	return graph_node(v->g, node);
}

/* A template that is copied as it is leaves the names of facts where their values should be. */
static void template_is_filled(struct check_view *v, const struct check_file *f)
{
	const char *text = f->filled ? NULL : check_text_of(v, f->path, MAX_TEMPLATE_BYTES), *end;
	struct pos pos = {f->path, 1, 1};

	for (const char *p = text; p && (p = strstr(p, "{{")); p = end) {
		end = p + 2 + strcspn(p + 2, "{}\n");
		if (!str_skip(end, "}}") || !is_replaced(v, p + 2, (size_t)(end - p - 2)))
			continue;
		for (const char *c = text; c < p; c++) {
			pos.line += *c == '\n';
			pos.col = *c == '\n' ? 1 : pos.col + 1;
		}
		check_say(v, CHECK_UNFILLED_TEMPLATE, pos,
			  "'%.*s' would be in '%s' of '%s' as it stands here: lay the file by "
			  "'{template: %s, to: …}', after what copies its directory",
			  (int)(end + 2 - p), p, f->target, f->image->name, f->path);
		return;
	}
}

int check_target_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *keyring = conf_find(&v->system, "keyring", "path");

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		template_is_filled(v, f);
		if (!check_is_test(f->image) && no_private_key(v, f, err) < 0)
			return -1;
	}
	if (v->system.count && !keyring && !conf_find(&v->system, "keyring", "directory"))
		check_say(v, CHECK_KEYRING_INSTALLED,
			  (struct pos){v->system.items[0].pos.file, 1, 1},
			  "RAUC is told of no keyring, and would refuse every bundle: say "
			  "'path=/etc/rauc/keyring.pem' in [keyring]");
	if (keyring && *keyring->value == '/' && !check_target_has(v, keyring->value))
		check_say(v, CHECK_KEYRING_INSTALLED, keyring->pos,
			  "no image puts a keyring at '%s'; devices could verify nothing",
			  keyring->value);
	return 0;
}
