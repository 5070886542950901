/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What sshd is told to read: host keys are in the image or made where it can be written, lists of
 * public keys can be read. With a mistake here nobody gets into a device, and sshd(8) says why in
 * the journal of that device.
 */
#include <endian.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/tree/content.h"
#include "media/tree/tree.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define NAME_BYTES                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"._-"

static const char key_types[] =
	" ssh-ed25519 ssh-rsa ssh-dss ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 "
	"ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com "
	"ssh-ed25519-cert-v01@openssh.com ssh-rsa-cert-v01@openssh.com "
	"ecdsa-sha2-nistp256-cert-v01@openssh.com ecdsa-sha2-nistp384-cert-v01@openssh.com "
	"ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ssh-ed25519-cert-v01@openssh.com "
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com ";

/* ---- lists of public keys ---- */

/* BASE64 without its padding in RET, of as many bytes as it has characters; -1: it is not that. */
static ssize_t decode(const char *base64, size_t len, unsigned char *ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	ssize_t n = 0;

	if (len % 4)
		return -1;
	while (len && base64[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *digit = memchr(digits, base64[i], sizeof(digits) - 1);

		if (!digit)
			return -1;
		bits = bits << 6 | (unsigned)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret[n++] = (unsigned char)(bits >> have);
		}
	}
	return n;
}

/* Whether the N bytes are strings, each with its length before it (RFC 4251), the first TYPE. */
static bool is_blob(const unsigned char *p, size_t n, const char *type)
{
	size_t count = 0;

	while (n >= 4) {
		uint32_t len;

		memcpy(&len, p, 4);
		len = be32toh(len);
		if (len > n - 4 || (!count && (len != strlen(type) || memcmp(p + 4, type, len))))
			return false;
		p += 4 + len;
		n -= 4 + len;
		count++;
	}
	return count > 1 && !n;
}

/* The word after the one at P; blanks between quotes do not end it. */
static const char *next_word(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p + strspn(p, " \t");
}

/* What is wrong with a line of sshd(8), AUTHORIZED_KEYS FILE FORMAT; NULL: nothing. */
static const char *wrong_with(const struct check_view *v, const char *line)
{
	const char *type = line, *base64;
	size_t len = strcspn(type, " \t");
	unsigned char *blob cleanup_free = xcalloc(1, strlen(line) + 1);
	ssize_t n;

	if (!check_word_in(key_types, type, len)) {
		type = next_word(line);
		len = strcspn(type, " \t");
	}
	if (!check_word_in(key_types, type, len))
		return "it has no type of key, such as 'ssh-ed25519'";
	base64 = next_word(type);
	n = decode(base64, strcspn(base64, " \t"), blob);
	if (n < 0 || !is_blob(blob, (size_t)n, arena_strndup(v->arena, type, len)))
		return "what follows the type is not all of a key of that type";
	return NULL;
}

static void lines_are_keys(struct check_view *v, const struct check_file *f)
{
	const char *text = f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);
	struct pos pos = {f->path, 0, 1};
	size_t n;

	for (const char *p = text; p && *p; p += n, p += *p == '\n') {
		const char *line = p + strspn(p, " \t"), *why;

		n = strcspn(p, "\n");
		pos.line++;
		line = line < p + n ? arena_strndup(v->arena, line, (size_t)(p + n - line)) : "";
		why = *line && !strchr("#\r", *line) && !strstr(line, "{{") ? wrong_with(v, line)
									    : NULL;
		if (why)
			check_say(v, CHECK_SSHD_KEYS, pos,
				  "sshd passes over this line of '%s', and its owner cannot log "
				  "in: %s",
				  f->target, why);
	}
}

/* Whether GLOB matches TARGET, or a directory above it. */
static bool matches(const char *glob, const char *target)
{
	for (const char *p = target; *p;) {
		char *part = NULL;
		bool found;

		p += strspn(p, "/");
		p += strcspn(p, "/");
		part = xstrndup(target, (size_t)(p - target));
		found = tree_glob(glob, part + 1);
		free(part);
		if (found)
			return true;
	}
	return false;
}

/* MODE, of `mode:` or `modes:` at POS, is that of F or of a directory above it. */
static void others_write_not(struct check_view *v, const struct check_file *f, const char *mode,
			     struct pos pos)
{
	struct content_attr attr;

	if (mode && content_attr_parse(mode, &attr) == 0 && attr.mode >= 0 && attr.mode & 022)
		check_say(v, CHECK_SSHD_KEYS, pos,
			  "sshd reads no '%s' that others may write to, or what it lies in: "
			  "'%s'",
			  f->target, mode);
}

/* Files of the project are 0644 in an image, unless it says otherwise. */
static void mode_is_strict(struct check_view *v, const struct check_file *f)
{
	const struct list *modes = check_list(f->image, "modes", OPT_DICT);
	const struct list *contents = check_list(f->image, "contents", OPT_STRUCT);

	for (size_t i = 0; i < modes->count; i++) {
		const struct pair *p = LIST_AT(*modes, struct pair *, i);

		if (matches(p->key, f->target))
			others_write_not(v, f, p->value, p->pos);
	}
	for (size_t i = 0; i < contents->count; i++) {
		const struct content *c = LIST_AT(*contents, struct content *, i);
		const struct ref *r = c->copy;
		const char *path = c->template ? c->template->template : r ? r->text : NULL;

		if (path && str_eq(path, f->path))
			others_write_not(v, f, c->mode, recipe_pos(f->image->recipe, "contents"));
	}
}

/* ---- what sshd_config names ---- */

/* The trees of one image, read when first asked for. */
struct looked_into {
	const struct node *image;
	struct tree *tree;
	const struct node *unbuilt;
};

static int look_into(struct check_view *v, struct looked_into *l, const struct node *image,
		     struct err **err)
{
	if (l->image == image)
		return 0;
	tree_free(l->tree);
	l->tree = tree_new(0, NULL);
	l->image = image;
	return check_read_trees(v, image, l->tree, &l->unbuilt, err);
}

/* The name of a file of the project beside PATH that it is likely to mean, or NULL. */
static const char *meant(const struct check_view *v, const struct node *image, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	struct strs names = {0};
	const char *near;

	for (size_t i = 0; i < v->files.count; i++) {
		char *other cleanup_free = path_dir(v->files.items[i].target);

		if (v->files.items[i].image == image && str_eq(other, dir))
			strs_push(&names, path_base(v->files.items[i].target));
	}
	near = str_nearest(path_base(path), names.items, names.count);
	strs_clear(&names);
	return near;
}

/* PATH lies where nothing can be made, so IMAGE has to have it. */
static int image_has(struct check_view *v, struct looked_into *l, const struct node *image,
		     struct pos pos, const char *path, struct err **err)
{
	const struct conf_entry *root = check_read_only_root(v);
	const char *near = meant(v, image, path);
	bool removed = check_removes(image, path);

	if (!removed && check_writes(v, image, path))
		return 0;
	if (!removed && look_into(v, l, image, err) < 0)
		return -1;
	if (!removed && l->unbuilt && !near && !v->noted[CHECK_SSHD_KEYS])
		check_note(v, CHECK_SSHD_KEYS, pos,
			   "not checked until node '%s' is built: whether image '%s' has '%s'",
			   l->unbuilt->name, image->name, path);
	if (removed || (l->unbuilt ? near != NULL : !tree_resolve(l->tree, path)))
		check_say(v, CHECK_SSHD_KEYS, pos,
			  "sshd is told to read '%s', which image '%s' does not have, and which "
			  "nothing can make, as the root slot is read-only (%s:%u)%s%s%s",
			  path, image->name, root->pos.file, root->pos.line,
			  near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	return 0;
}

/* Adds the names below DIR that TEXT has; *open: one of them is known to the script alone. */
static void names_below(const struct check_view *v, const char *text, const char *dir,
			struct strs *ret, bool *open)
{
	char *start cleanup_free = xasprintf("%s/", dir);

	for (const char *p = text; p && (p = strstr(p, start));) {
		size_t n = strspn(p += strlen(start), NAME_BYTES);

		if (n)
			strs_push(ret, arena_strndup(v->arena, p, n));
		*open |= p[n] && strchr("$`*?[{%", p[n]);
	}
}

/*
 * Something that devices get makes the host key PATH, where it can be written: it names the key, or
 * the directory alone.
 */
static void somebody_makes(struct check_view *v, const struct conf_entry *e,
			   const struct check_file *conf, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	struct strs names = {0};
	bool open = false;
	const char *near;

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && f != conf)
			names_below(v,
				    f->filled ? f->filled
					      : check_text_of(v, f->path, MAX_TEXT_BYTES),
				    dir, &names, &open);
	}
	near = str_nearest(path_base(path), names.items, names.count);
	if (!check_names_path(v, path, conf) && !open &&
	    (names.count || !check_names_path(v, dir, conf)))
		check_say(v, CHECK_SSHD_KEYS, e->pos,
			  "nothing that devices get makes the host key '%s'%s%s%s", path,
			  near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	strs_clear(&names);
}

static int key_is_there(struct check_view *v, struct looked_into *l, const struct conf_entry *e,
			const struct check_file *conf, struct err **err)
{
	bool key = strcasecmp(e->key, "HostKey") == 0;
	char *path cleanup_free = xstrndup(e->value, strcspn(e->value, " \t\"#"));

	if ((!key && strcasecmp(e->key, "AuthorizedKeysFile") != 0) || *path != '/' ||
	    strchr(path, '%') || check_target_has(v, path))
		return 0;
	if (!check_is_writable(v, path))
		return image_has(v, l, conf->image, e->pos, path, err);
	if (key && !str_skip(path, "/etc/ssh/"))
		somebody_makes(v, e, conf, path);
	return 0;
}

/* The lists of keys that sshd is told of; those that it looks for by itself. */
static void lists_are_read(struct check_view *v, const struct strs *named)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		bool is = str_ends(f->target, "/.ssh/authorized_keys") ||
			  str_ends(f->target, "/.ssh/authorized_keys2");

		for (size_t k = 0; k < named->count; k++)
			is |= str_eq(f->target, named->items[k]);
		if (!is || !check_ships(v, f->image))
			continue;
		lines_are_keys(v, f);
		mode_is_strict(v, f);
	}
}

/* Without a word about host keys, sshd reads those that packages make in /etc/ssh. */
static int default_key_is_there(struct check_view *v, struct looked_into *l,
				const struct check_file *conf, struct err **err)
{
	static const char path[] = "/etc/ssh/ssh_host_ed25519_key";

	if (check_target_has(v, path) || check_is_writable(v, path))
		return 0;
	return image_has(v, l, conf->image, (struct pos){conf->path, 1, 1}, path, err);
}

/* All of CONF; *keys: it names a host key. */
static int config_names(struct check_view *v, struct looked_into *l, const struct check_file *conf,
			struct strs *lists, bool *keys, struct err **err)
{
	struct conf_entries e = {0};
	int rc = conf_read_table(v->arena, v->g->project->dir, conf->path, conf->filled, &e, err);

	for (size_t i = 0; rc == 0 && i < e.count; i++) {
		char *save = NULL;

		*keys |= strcasecmp(e.items[i].key, "HostKey") == 0;
		if (strcasecmp(e.items[i].key, "AuthorizedKeysFile") == 0)
			for (char *w = strtok_r(arena_strdup(v->arena, e.items[i].value), " \t\"",
						&save);
			     w; w = strtok_r(NULL, " \t\"", &save))
				strs_push(lists, w);
		rc = key_is_there(v, l, &e.items[i], conf, err);
	}
	conf_entries_clear(&e);
	return rc;
}

int check_ssh_rules(struct check_view *v, struct err **err)
{
	const struct check_file *conf = NULL;
	struct looked_into l = {0};
	struct strs lists = {0};
	bool keys = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (!check_ships(v, f->image) || !check_is_sshd_config(f))
			continue;
		conf = f;
		rc = config_names(v, &l, f, &lists, &keys, err);
	}
	if (rc == 0 && conf && !keys)
		rc = default_key_is_there(v, &l, conf, err);
	if (rc == 0)
		lists_are_read(v, &lists);
	strs_clear(&lists);
	tree_free(l.tree);
	return rc;
}
