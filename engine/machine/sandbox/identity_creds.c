/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's rules: kernel/sys.c, security/commoncap.c, capabilities(7). */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>

#include "machine/sandbox/identity_priv.h"

#define BIT(capability) (1ull << (capability))
/* What follows the file-system uid: CAP_FS_MASK. */
#define FILE_CAPS                                                                             \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_LINUX_IMMUTABLE))

struct creds *creds_root(void)
{
	struct creds *c = xcalloc(1, sizeof(*c));

	c->users = 1;
	c->bounding = BIT(CAP_LAST_CAP + 1) - 1;
	c->permitted = c->effective = c->bounding;
	return c;
}

struct creds *creds_share(struct creds *c)
{
	c->users++;
	return c;
}

void creds_drop(struct creds *c)
{
	if (!c || --c->users)
		return;
	free(c->groups);
	free(c);
}

struct creds *creds_own(struct creds **c)
{
	struct creds *own;

	if ((*c)->users == 1)
		return *c;
	own = xmemdup(*c, sizeof(*own));
	own->users = 1;
	own->groups = NULL;
	if (own->group_count)
		own->groups = xmemdup((*c)->groups, own->group_count * sizeof(*own->groups));
	creds_drop(*c);
	return *c = own;
}

bool creds_can(const struct creds *c, int capability)
{
	return c->effective & BIT(capability);
}

bool creds_in_group(const void *creds, uint32_t gid)
{
	const struct creds *c = creds;

	if (gid == c->gid[FILES])
		return true;
	for (size_t i = 0; i < c->group_count; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

/* Capabilities after a change of users from OLD. */
static void follow_users(struct creds *c, const uint32_t old[ID_COUNT])
{
	bool was_root = !old[REAL] || !old[EFFECTIVE] || !old[SAVED];
	bool is_root = !c->uid[REAL] || !c->uid[EFFECTIVE] || !c->uid[SAVED];

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!c->keep_caps)
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (!old[EFFECTIVE] && c->uid[EFFECTIVE])
		c->effective = 0;
	if (old[EFFECTIVE] && !c->uid[EFFECTIVE])
		c->effective = c->permitted;
}

static bool is_one_of(uint32_t id, const uint32_t ids[ID_COUNT], bool saved)
{
	return id == ids[REAL] || id == ids[EFFECTIVE] || (saved && id == ids[SAVED]);
}

/* REAL, EFFECTIVE and SAVED may be NO_ID; the file-system id follows the effective one. */
static void assign(uint32_t ids[ID_COUNT], uint32_t real, uint32_t effective, uint32_t saved)
{
	if (real != NO_ID)
		ids[REAL] = real;
	if (effective != NO_ID)
		ids[EFFECTIVE] = effective;
	if (saved != NO_ID)
		ids[SAVED] = saved;
	ids[FILES] = ids[EFFECTIVE];
}

static void assign_users(struct creds **c, uint32_t real, uint32_t effective, uint32_t saved)
{
	struct creds *own = creds_own(c);
	uint32_t old[ID_COUNT];

	memcpy(old, own->uid, sizeof(old));
	assign(own->uid, real, effective, saved);
	follow_users(own, old);
}

int creds_setuid(struct creds **c, uint32_t id)
{
	const struct creds *old = *c;

	if (id == NO_ID)
		return EINVAL;
	if (creds_can(old, CAP_SETUID))
		assign_users(c, id, id, id);
	else if (id == old->uid[REAL] || id == old->uid[SAVED])
		assign_users(c, NO_ID, id, NO_ID);
	else
		return EPERM;
	return 0;
}

int creds_setgid(struct creds **c, uint32_t id)
{
	const struct creds *old = *c;

	if (id == NO_ID)
		return EINVAL;
	if (creds_can(old, CAP_SETGID))
		assign(creds_own(c)->gid, id, id, id);
	else if (id == old->gid[REAL] || id == old->gid[SAVED])
		assign(creds_own(c)->gid, NO_ID, id, NO_ID);
	else
		return EPERM;
	return 0;
}

/* Whether setre*id is allowed, and what becomes of the saved id. */
static int check_re(const uint32_t ids[ID_COUNT], bool can, uint32_t real, uint32_t effective,
		    uint32_t *ret_saved)
{
	uint32_t becomes = effective == NO_ID ? ids[EFFECTIVE] : effective;

	if (!can && real != NO_ID && !is_one_of(real, ids, false))
		return EPERM;
	if (!can && effective != NO_ID && !is_one_of(effective, ids, true))
		return EPERM;
	*ret_saved = NO_ID;
	if (real != NO_ID || (effective != NO_ID && effective != ids[REAL]))
		*ret_saved = becomes;
	return 0;
}

int creds_setreuid(struct creds **c, uint32_t real, uint32_t effective)
{
	uint32_t saved;
	int e = check_re((*c)->uid, creds_can(*c, CAP_SETUID), real, effective, &saved);

	if (e == 0)
		assign_users(c, real, effective, saved);
	return e;
}

int creds_setregid(struct creds **c, uint32_t real, uint32_t effective)
{
	uint32_t saved;
	int e = check_re((*c)->gid, creds_can(*c, CAP_SETGID), real, effective, &saved);

	if (e == 0)
		assign(creds_own(c)->gid, real, effective, saved);
	return e;
}

static bool may_res(const uint32_t ids[ID_COUNT], bool can, uint32_t id)
{
	return can || id == NO_ID || is_one_of(id, ids, true);
}

int creds_setresuid(struct creds **c, uint32_t real, uint32_t effective, uint32_t saved)
{
	bool can = creds_can(*c, CAP_SETUID);

	if (!may_res((*c)->uid, can, real) || !may_res((*c)->uid, can, effective) ||
	    !may_res((*c)->uid, can, saved))
		return EPERM;
	assign_users(c, real, effective, saved);
	return 0;
}

int creds_setresgid(struct creds **c, uint32_t real, uint32_t effective, uint32_t saved)
{
	bool can = creds_can(*c, CAP_SETGID);

	if (!may_res((*c)->gid, can, real) || !may_res((*c)->gid, can, effective) ||
	    !may_res((*c)->gid, can, saved))
		return EPERM;
	assign(creds_own(c)->gid, real, effective, saved);
	return 0;
}

uint32_t creds_setfsuid(struct creds **c, uint32_t id)
{
	uint32_t old = (*c)->uid[FILES];
	struct creds *own;

	if (id == NO_ID || id == old ||
	    !(creds_can(*c, CAP_SETUID) || is_one_of(id, (*c)->uid, true)))
		return old;
	own = creds_own(c);
	own->uid[FILES] = id;
	if (!old && id)
		own->effective &= ~FILE_CAPS;
	if (old && !id)
		own->effective |= own->permitted & FILE_CAPS;
	return old;
}

uint32_t creds_setfsgid(struct creds **c, uint32_t id)
{
	uint32_t old = (*c)->gid[FILES];

	if (id != NO_ID && (creds_can(*c, CAP_SETGID) || is_one_of(id, (*c)->gid, true)))
		creds_own(c)->gid[FILES] = id;
	return old;
}

int creds_capset(struct creds **c, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	const struct creds *old = *c;
	uint64_t within = old->inheritable | old->bounding;
	struct creds *own;

	if (!creds_can(old, CAP_SETPCAP) && (inheritable & ~(old->inheritable | old->permitted)))
		return EPERM;
	if ((inheritable & ~within) || (permitted & ~old->permitted) || (effective & ~permitted))
		return EPERM;
	own = creds_own(c);
	own->effective = effective;
	own->permitted = permitted;
	own->inheritable = inheritable;
	own->ambient &= permitted & inheritable;
	return 0;
}

void creds_exec(struct creds **c, mode_t mode, uint32_t uid, uint32_t gid)
{
	struct creds *own = creds_own(c);
	bool changes = false, root;

	if ((mode & S_ISUID) && !own->no_new_privs) {
		changes = uid != own->uid[EFFECTIVE];
		own->uid[EFFECTIVE] = uid;
	}
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !own->no_new_privs) {
		changes = changes || gid != own->gid[EFFECTIVE];
		own->gid[EFFECTIVE] = gid;
	}
	if (changes)
		own->ambient = 0;
	assign(own->uid, NO_ID, NO_ID, own->uid[EFFECTIVE]);
	assign(own->gid, NO_ID, NO_ID, own->gid[EFFECTIVE]);
	root = !(own->securebits & SECBIT_NOROOT);
	own->permitted = own->effective = own->ambient;
	if (root && (!own->uid[EFFECTIVE] || !own->uid[REAL])) {
		own->permitted = own->inheritable | own->bounding;
		own->effective = own->uid[EFFECTIVE] ? own->ambient : own->permitted;
	}
	own->keep_caps = false;
}
