/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that nobody may have, and certificates that must last. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kinds/pki/x509.h"
#include "kinds/policy/policy_run.h"
#include "media/tree/key_search.h"

#define TEXT_MAX (8u << 20)
#define KEY_REMEDY                                                                            \
	"every copy has it: take it out with 'remove' and make it on the device, or name it " \
	"under 'private-keys'"

/* ---- bytes of what is not a tree ---- */

struct mapping {
	char *start; /* of a page */
	size_t len, before;
};

static void unmap(struct mapping *m)
{
	if (m->len)
		munmap(m->start, m->len);
}
#define cleanup_mapping __attribute__((cleanup(unmap)))

/* The bytes of P, "" where it has none: m->start + m->before to m->start + m->len. */
static int map_part(const struct policy_part *p, struct mapping *m, struct err **err)
{
	size_t before = (size_t)(p->offset % (uint64_t)sysconf(_SC_PAGESIZE));
	int fd cleanup_fd = open(p->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	*m = (struct mapping){.start = ""};
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", p->file);
	if (p->offset > (uint64_t)st.st_size || p->size > (uint64_t)st.st_size - p->offset)
		return err_set(err, E_FILESYSTEM_DAMAGED, "%s%s: the file ends before it does",
			       p->place, p->path);
	if (!p->size)
		return 0;
	m->before = before;
	m->len = before + (size_t)p->size;
	m->start = mmap(NULL, m->len, PROT_READ, MAP_PRIVATE, fd, (off_t)(p->offset - before));
	if (m->start != MAP_FAILED)
		return 0;
	*m = (struct mapping){.start = ""};
	return err_errno(err, E_READ_FAILED, errno, "cannot map '%s'", p->file);
}

/* ---- private keys ---- */

static void tell_key(struct policy_run *r, const struct policy_part *p, const char *path,
		     const char *what)
{
	policy_tell_unless(r, POLICY_PRIVATE_KEYS, &policy_opts(r)->private_keys, p, path,
			   KEY_REMEDY, "holds a private key (%s)", what);
}

static int look_into_file(struct policy_run *r, const struct policy_part *p, struct err **err)
{
	struct mapping m cleanup_mapping = {0};
	char *what cleanup_free = NULL;

	if (map_part(p, &m, err) < 0)
		return -1;
	if (!key_search_is_program(m.start + m.before, m.len - m.before))
		what = key_search(p->path + (*p->path == '/'), m.start + m.before,
				  m.len - m.before);
	if (what)
		tell_key(r, p, p->path, what);
	return 0;
}

int policy_look_keys(struct policy_run *r, const struct policy_part *part, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries;

	if (!part->tree)
		return look_into_file(r, part, err);
	entries = tree_entries(part->tree, &count);
	for (size_t i = 0; i < count; i++) {
		char *what cleanup_free = key_search_entry(entries[i]);
		char *path cleanup_free = xasprintf("/%s", entries[i]->path);

		if (what)
			tell_key(r, part, path, what);
	}
	return 0;
}

/* ---- certificates ---- */

struct certificates {
	struct policy_run *r;
	const struct policy_part *part;
	const char *path;
	uint64_t end; /* the first second at which they need not be valid */
};

static void look_at_certificate(void *arg, const char *subject, int64_t not_before,
				int64_t not_after)
{
	struct certificates *c = arg;
	char date[16];

	if (not_after < 0 || (uint64_t)not_after + 1 < c->end)
		policy_tell(c->r, POLICY_CERTIFICATES, c->part, c->path,
			    "renew it, and bring the new one to the devices before that",
			    "has certificate '%s', which ends on %s, before %s has passed", subject,
			    x509_date(not_after, date), policy_opts(c->r)->certificates->until);
}

static void look_at_text(struct certificates *c, const char *text, size_t len)
{
	int count = x509_each(text, len, look_at_certificate, c);

	if (count < 0)
		policy_tell(c->r, POLICY_CERTIFICATES, c->part, c->path,
			    "write it again, or leave it out of 'paths'",
			    "holds a certificate that orch cannot read");
	else if (!count)
		policy_tell(c->r, POLICY_CERTIFICATES, c->part, c->path,
			    "write it as PEM, or leave it out of 'paths'",
			    "holds no certificate that orch can read");
}

static int look_at_file(struct certificates *c, struct err **err)
{
	struct mapping m cleanup_mapping = {0};

	if (!policy_matches(c->r, POLICY_CERTIFICATES, &policy_opts(c->r)->certificates->paths,
			    c->path))
		return 0;
	if (map_part(c->part, &m, err) < 0)
		return -1;
	look_at_text(c, m.start + m.before, m.len - m.before);
	return 0;
}

static bool is_file_or_link(const struct tree_entry *e)
{
	return S_ISREG(e->inode->mode) || S_ISLNK(e->inode->mode);
}

/* A link is what it leads to; to a directory, it holds none. */
static void look_at_entry(struct certificates *c, const struct tree_entry *e)
{
	char *path cleanup_free = xasprintf("/%s", e->path), *text cleanup_free = NULL;
	const struct tree_entry *to = is_file_or_link(e) ? tree_resolve(c->part->tree, path) : NULL;

	if (!is_file_or_link(e) || (to && S_ISDIR(to->inode->mode)) ||
	    !policy_matches(c->r, POLICY_CERTIFICATES, &policy_opts(c->r)->certificates->paths,
			    path))
		return;
	text = to && S_ISREG(to->inode->mode) ? tree_inode_text(to->inode, TEXT_MAX) : NULL;
	c->path = path;
	look_at_text(c, text ? text : "", text ? (size_t)to->inode->size : 0);
	c->path = NULL;
}

int policy_look_certificates(struct policy_run *r, const struct policy_part *part, struct err **err)
{
	struct certificates c = {.r = r, .part = part, .path = part->path};
	struct tree_entry *const *entries;
	size_t count;

	if (policy_until(policy_opts(r)->certificates->until, &c.end))
		return err_set(err, E_INTERNAL, "'until' is not a day"); /* the schema looked */
	if (!part->tree)
		return look_at_file(&c, err);
	entries = tree_entries(part->tree, &count);
	for (size_t i = 0; i < count; i++)
		look_at_entry(&c, entries[i]);
	return 0;
}
