/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/card.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

int card_open(const struct stage *s, struct err **err)
{
	int fd = open(s->card, O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(err, E_READ_FAILED, errno, "cannot open the card");
}

int card_partition(const struct stage *s, const char *name, struct gpt_slot *ret, struct err **err)
{
	struct gpt_slots table = {0};
	const struct gpt_slot *found = NULL;
	int fd cleanup_fd = card_open(s, err);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read the card");
	if (gpt_copy_any(fd, (uint64_t)st.st_size, &table) == 0)
		found = gpt_slot_named(&table, name);
	if (found)
		*ret = *found;
	else if (table.count)
		rc = err_set(err, E_CARD_LAYOUT, "there is no partition '%s' on the card", name);
	else
		rc = err_set(err, E_NO_PARTITION_TABLE,
			     "no copy of the card's partition table is valid");
	gpt_slots_clear(&table);
	return rc;
}

int card_read(int fd, uint64_t at, unsigned char *buf, size_t len, struct err **err)
{
	ssize_t n = pread(fd, buf, len, (off_t)at);

	if (n < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read an image");
	memset(buf + n, 0, len - (size_t)n);
	return 0;
}

int card_read_vars(const struct stage *s, struct boot_vars *ret, struct err **err)
{
	int fd cleanup_fd = card_open(s, err);

	return fd < 0 ? -1 : s->target->chooser->read(fd, s->target, ret, err);
}

int card_write_vars(const struct stage *s, const struct boot_vars *v, struct err **err)
{
	int fd cleanup_fd = card_open(s, err);

	return fd < 0 ? -1 : s->target->chooser->write(fd, s->target, v, err);
}

int card_read_state(const struct stage *s, struct boot_state *ret, struct err **err)
{
	struct boot_vars vars cleanup_boot_vars = {0};

	if (card_read_vars(s, &vars, err) < 0)
		return -1;
	s->target->chooser->get(&vars, s->target, ret);
	return 0;
}
