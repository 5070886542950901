/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who a device is: what each has to make for itself is in no image, and the name that all of them
 * have is one.
 */
#include <ctype.h>

#include "base/path.h"
#include "check/view.h"

#define MAX_TEXT_BYTES 4096
#define MAX_NAME 64 /* hostname(7), HOST_NAME_MAX */

/* Files by which a system tells itself from others: made when they are not there. */
static const char *const own[] = {"/var/lib/dbus/machine-id", "/var/lib/systemd/random-seed",
				  "/var/lib/systemd/credential.secret"};

static const char *text_of(const struct check_view *v, const struct check_file *f)
{
	const char *text = f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);

	return text ? text : "";
}

/* machine-id(5): empty, or the word for a first boot, and it is made on the device. */
static bool is_unset(const char *id)
{
	return !*id || str_eq(id, "uninitialized") || str_eq(id, "uninitialized\n");
}

static void identity_is_own(struct check_view *v, const struct check_file *f)
{
	bool same = str_eq(f->target, "/etc/machine-id") && !is_unset(text_of(v, f));

	for (size_t i = 0; i < array_len(own); i++)
		same |= str_eq(f->target, own[i]);
	if (same)
		check_say(v, CHECK_OWN_IDENTITY, (struct pos){f->path, 1, 1},
			  "every device would have the same '%s': %s", f->target,
			  str_eq(f->target, "/etc/machine-id")
				  ? "leave the file empty, and each makes its own"
				  : "take the file out, and each makes its own");
}

/* Labels between dots, as systemd takes them: '_' and, for a part of the machine id, '?', too. */
static bool is_host_name(const char *name, size_t len)
{
	char before = '.';

	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool edge = before == '.' || i + 1 == len || name[i + 1] == '.';

		if (!isalnum((unsigned char)c) && c != '_' && c != '?' && (c != '-' || edge) &&
		    (c != '.' || edge))
			return false;
		before = c;
	}
	return len <= MAX_NAME;
}

/* The first line of /etc/hostname that says something; its place goes to POS. */
static const char *host_name(const struct check_view *v, const struct check_file *f,
			     struct pos *pos)
{
	const char *p = text_of(v, f);

	*pos = (struct pos){f->path, 1, 1};
	while (*p == '#' || *p == '\n') {
		p += strcspn(p, "\n");
		p += *p == '\n';
		pos->line++;
	}
	return p;
}

static void name_is_one(struct check_view *v, const struct check_file *f)
{
	struct pos pos;
	const char *name = host_name(v, f, &pos);
	size_t len = strcspn(name, "\n");

	while (len && isspace((unsigned char)name[len - 1]))
		len--;
	if (!is_host_name(name, len) && !memmem(name, len, "{{", 2)) /* known once it is built */
		check_say(v, CHECK_HOST_NAME, pos,
			  "'%.*s' is not a name of a host: letters, digits and '-', at most %d of "
			  "them; systemd leaves out what it cannot take, or the whole name",
			  (int)len, name, MAX_NAME);
}

int check_identity_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (!check_ships(v, f->image))
			continue;
		identity_is_own(v, f);
		if (str_eq(f->target, "/etc/hostname"))
			name_is_one(v, f);
	}
	return 0;
}
