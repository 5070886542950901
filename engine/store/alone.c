/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alone in the store, or with others. flock() upgrades a lock by giving it up first: in that moment
 * another may become alone. So STORE/alone is held by whoever is or tries to become alone, and
 * nobody waits for it or for the exclusive lock while he holds the shared one.
 */
#include <errno.h>
#include <sys/file.h>

#include "base/path.h"
#include "base/tmp.h"
#include "store/store_priv.h"

/* 0, 1 with LOCK_NB when it is not to be had now, -1. */
static int change_lock(struct store *s, int how, struct err **err)
{
	while (flock(s->lock, how) < 0) {
		if (errno == EWOULDBLOCK)
			return 1;
		if (errno != EINTR)
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot lock store '%s'",
					 s->dir);
	}
	return 0;
}

static void drop_alone(struct store *s)
{
	if (s->alone >= 0)
		close(s->alone);
	s->alone = -1;
}

/* While we had no lock, another may have replaced the database. */
static int reopen(struct store *s, struct err **err)
{
	char *why cleanup_free = NULL;
	int rc;

	if (!s->state)
		return 0;
	state_close(steal_ptr(s->state));
	rc = state_open(s->dir, s->tmp, &s->state, &why, err);
	if (rc > 0)
		return err_set(err, E_STORE_DAMAGED, "'%s/state.sqlite' is damaged: %s", s->dir,
			       why);
	return rc;
}

/* STORE/alone, then the exclusive lock. 0, 1 others use the store, -1. */
static int take(struct store *s, bool wait, struct err **err)
{
	char *path cleanup_free = path_join(s->dir, "alone");
	struct err *e cleanup_err = NULL;
	int rc;

	if (lock_file(path, LOCK_EXCLUSIVE, wait, &s->alone, &e) < 0) {
		if (e->code->cls == ERR_LOCKED)
			return 1;
		*err = steal_ptr(e);
		return -1;
	}
	rc = change_lock(s, LOCK_EX | (wait ? 0 : LOCK_NB), err);
	if (rc != 0 && change_lock(s, LOCK_SH, err) < 0) /* nobody can be alone now: at once */
		rc = -1;
	if (rc != 0)
		drop_alone(s);
	return rc;
}

int store_alone(struct store *s, bool wait, struct err **err)
{
	int rc;

	if (!wait)
		return take(s, false, err);
	rc = change_lock(s, LOCK_UN, err) < 0 ? -1 : take(s, true, err);
	return rc == 0 ? reopen(s, err) : rc;
}

int store_alone_last(struct store *s, struct err **err)
{
	char *path cleanup_free = path_join(s->dir, "alone");

	store_flush_cache(s);
	if (change_lock(s, LOCK_UN, err) < 0 ||
	    lock_file(path, LOCK_EXCLUSIVE, true, &s->alone, err) < 0)
		return -1;
	return change_lock(s, LOCK_EX | LOCK_NB, err);
}

int store_together(struct store *s, struct err **err)
{
	int rc = change_lock(s, LOCK_SH, err);

	drop_alone(s);
	return rc;
}
