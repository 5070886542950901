/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/remote_card.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "machine/flash.h"

#define APPEAR_S 30     /* until the card is there when the multiplexer has switched */
#define TAIL (1u << 20) /* of a card: where another table's backup would be */

/* -- a card that this machine finds itself -- */

static void report(void *arg, uint64_t done, uint64_t total)
{
	stage_progress(arg, total ? (int)(100 * done / total) : -1, "writing the card");
}

/* 0: it is there, of *RET_SIZE bytes. */
static int look_for(const char *path, uint64_t *ret_size)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (size <= 0)
		return 1;
	/* What was read of it before the board had it. */
	(void)!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	*ret_size = (uint64_t)size;
	return 0;
}

static int await_card(struct stage *s, struct err **err)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	uint64_t deadline = clock_ms() + APPEAR_S * 1000;

	while (look_for(s->card, &s->card_size)) {
		if (clock_ms() >= deadline)
			return err_set(err, E_BOARD_COMMAND,
				       "board '%s': its card is not at %s within %d s after "
				       "'card-to-host' of %s: see that the card is in the "
				       "multiplexer, and that you may read %s",
				       s->remote->name, s->card, APPEAR_S, s->remote->config,
				       s->card);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A file of an emulator's is as large as the scenario's card. */
static int size_file(const struct stage *s, struct err **err)
{
	struct stat st;
	int fd cleanup_fd = -1;

	if (stat(s->card, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	fd = open(s->card, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)s->card_size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create the card '%s'",
				 s->card);
	return 0;
}

/* No table of an earlier card is left at the end. */
static int clear_tail(const struct flash *m, struct err **err)
{
	char *zeros cleanup_free = NULL;
	uint64_t room = m->size - m->want, len = room < TAIL ? room : TAIL;

	if (!m->block || !len)
		return 0;
	zeros = xcalloc(1, TAIL);
	return fd_pwrite_all(m->fd, m->path, zeros, len, m->size - len, err);
}

static int write_card(struct stage *s, struct err **err)
{
	struct flash m cleanup_flash = {.fd = -1};
	int image cleanup_fd = open(s->start, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (image < 0 || fstat(image, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", s->start);
	if (flash_open(s->card, false, &m, err) < 0 ||
	    flash_fits(&m, (uint64_t)st.st_size, err) < 0 ||
	    flash_write(&m, image, s->start, report, s, err) < 0 || clear_tail(&m, err) < 0 ||
	    flash_verify(&m, image, s->start, report, s, err) < 0)
		return err_wrap(err, "the card of board '%s'", s->remote->name);
	return fd_sync(m.fd, m.path, err);
}

static int switch_here(struct stage *s, struct err **err)
{
	if (remote_has(s->remote, REMOTE_CMD_TO_HOST) &&
	    remote_run(s->remote, REMOTE_CMD_TO_HOST, NULL, err) < 0)
		return -1;
	return await_card(s, err);
}

/* What we wrote is on it before it goes. */
static int switch_there(struct stage *s, struct err **err)
{
	int fd cleanup_fd = open(s->card, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open the card '%s'", s->card);
	if (fd_sync(fd, s->card, err) < 0)
		return -1;
	fd_closep(&fd);
	if (!remote_has(s->remote, REMOTE_CMD_TO_BOARD))
		return 0;
	return remote_run(s->remote, REMOTE_CMD_TO_BOARD, NULL, err);
}

/* -- both ways -- */

static int read_card(struct stage *s, struct err **err)
{
	if (remote_run(s->remote, REMOTE_CMD_READ, s->card, err) < 0)
		return -1;
	if (truncate(s->card, (off_t)s->card_size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot keep what 'read' gave");
	return 0;
}

int remote_card_make(struct stage *s, struct err **err)
{
	if (!s->remote->card) {
		s->card_here = s->card_changed = true;
		return 0;
	}
	if (remote_card_is_live(s->remote) && size_file(s, err) < 0)
		return -1;
	s->card_here = true;
	return switch_here(s, err) < 0 ? -1 : write_card(s, err);
}

int remote_card_take(struct stage *s, bool change, struct err **err)
{
	if (!s->card_here && (s->remote->card ? switch_here(s, err) : read_card(s, err)) < 0)
		return -1;
	s->card_here = true;
	s->card_changed |= change;
	return 0;
}

int remote_card_give(struct stage *s, struct err **err)
{
	int rc = 0;

	if (s->remote->card && s->card_here)
		rc = switch_there(s, err);
	else if (!s->remote->card && s->card_changed)
		rc = remote_run(s->remote, REMOTE_CMD_WRITE, s->card, err);
	s->card_here = s->card_changed = false;
	return rc;
}

bool remote_card_is_seen(const struct stage *s)
{
	return !s->remote || s->card_here || remote_card_is_live(s->remote);
}
