/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the target may not contain. */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "check/view.h"
#include "kinds/tree/content.h"

#define MAX_TEMPLATE_BYTES (1024 * 1024) /* template.h */
/* Of each file; the image's own look is at all of it. */
#define SCAN_BYTES (MAX_TEMPLATE_BYTES + 1)

/* The beginning of F's file, in BUF: its bytes, at most SCAN_BYTES and a NUL; or -1. */
static ssize_t read_head(const struct check_view *v, const struct check_file *f, char *buf,
			 struct err **err)
{
	char *path cleanup_free = path_join(v->g->project->dir, f->path);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'", f->path);
	n = pread(fd, buf, SCAN_BYTES, 0);
	n = n < 0 ? 0 : n;
	buf[n] = 0;
	return n;
}

static void no_private_key(struct check_view *v, const struct check_file *f, const char *head,
			   size_t len)
{
	struct pos pos = {.file = arena_strdup(v->arena, f->path), .line = 1, .col = 1};
	const char *what = private_key_in(head, len);

	if (what)
		check_say(
			v, CHECK_PRIVATE_KEY, pos,
			"a private key would be in '%s' as '%s' (%s); keys are made on the device "
			"or stay in pki/private/",
			f->image->name, f->target, what);
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
static void template_is_filled(struct check_view *v, const struct check_file *f, const char *text)
{
	struct pos pos = {f->path, 1, 1};
	const char *end;

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

/* Each file is read once: trees have thousands. */
static int file_is_clean(struct check_view *v, const struct check_file *f, char *buf,
			 struct err **err)
{
	ssize_t n = read_head(v, f, buf, err);

	if (n < 0)
		return -1;
	if (!f->filled && n <= MAX_TEMPLATE_BYTES && strlen(buf) == (size_t)n)
		template_is_filled(v, f, buf);
	if (!check_is_test(v, f->image))
		no_private_key(v, f, buf, (size_t)n);
	return 0;
}

int check_target_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *keyring = conf_find(&v->system, "keyring", "path");
	char *buf cleanup_free = xmalloc(SCAN_BYTES + 1);

	for (size_t i = 0; i < v->files.count; i++) {
		if (file_is_clean(v, &v->files.items[i], buf, err) < 0)
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
