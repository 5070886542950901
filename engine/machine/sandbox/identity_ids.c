/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who am I, and become somebody: answered here, the kernel never sees these calls. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "machine/sandbox/identity_priv.h"

#define MAX_GROUPS 65536

enum next id_get_enter(struct tracee *t)
{
	const struct creds *c = t->creds;

	switch (t->call->nr) {
	case SYS_getuid:
		return tracee_return(t, c->uid[REAL]);
	case SYS_geteuid:
		return tracee_return(t, c->uid[EFFECTIVE]);
	case SYS_getgid:
		return tracee_return(t, c->gid[REAL]);
	default:
		return tracee_return(t, c->gid[EFFECTIVE]);
	}
}

enum next id_get3_enter(struct tracee *t)
{
	const uint32_t *ids = t->call->nr == SYS_getresuid ? t->creds->uid : t->creds->gid;

	for (unsigned i = 0; i < 3; i++)
		if (tracee_write(t, t->args[i], &ids[i], sizeof(ids[i])) < 0)
			return tracee_return(t, -EFAULT);
	return tracee_return(t, 0);
}

/* The call is over; what comes next is an ordinary user's, perhaps. */
static enum next changed(struct tracee *t, long value)
{
	return strict_begin(t) < 0 ? GONE : tracee_return(t, value);
}

enum next id_set_enter(struct tracee *t)
{
	uint32_t a = (uint32_t)t->args[0], b = (uint32_t)t->args[1], s = (uint32_t)t->args[2];

	switch (t->call->nr) {
	case SYS_setuid:
		return changed(t, -creds_setuid(&t->creds, a));
	case SYS_setgid:
		return changed(t, -creds_setgid(&t->creds, a));
	case SYS_setreuid:
		return changed(t, -creds_setreuid(&t->creds, a, b));
	case SYS_setregid:
		return changed(t, -creds_setregid(&t->creds, a, b));
	case SYS_setresuid:
		return changed(t, -creds_setresuid(&t->creds, a, b, s));
	case SYS_setresgid:
		return changed(t, -creds_setresgid(&t->creds, a, b, s));
	case SYS_setfsuid:
		return changed(t, creds_setfsuid(&t->creds, a));
	default:
		return changed(t, creds_setfsgid(&t->creds, a));
	}
}

enum next groups_get_enter(struct tracee *t)
{
	const struct creds *c = t->creds;
	int size = (int)t->args[0];

	if (size < 0 || (size && (size_t)size < c->group_count))
		return tracee_return(t, -EINVAL);
	if (size && c->group_count &&
	    tracee_write(t, t->args[1], c->groups, c->group_count * sizeof(*c->groups)) < 0)
		return tracee_return(t, -EFAULT);
	return tracee_return(t, (long)c->group_count);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

enum next groups_set_enter(struct tracee *t)
{
	size_t count = (uint32_t)t->args[0];
	uint32_t *groups cleanup_free = NULL;
	struct creds *own;

	if (!creds_can(t->creds, CAP_SETGID))
		return tracee_return(t, -EPERM);
	if (count > MAX_GROUPS)
		return tracee_return(t, -EINVAL);
	groups = xcalloc(count + 1, sizeof(*groups));
	if (count && tracee_read(t, t->args[1], groups, count * sizeof(*groups)) < 0)
		return tracee_return(t, -EFAULT);
	qsort(groups, count, sizeof(*groups), by_number);
	own = creds_own(&t->creds);
	free(own->groups);
	own->groups = steal_ptr(groups);
	own->group_count = count;
	return tracee_return(t, 0);
}

/* --- capabilities --- */

/* The kernel has checked and answered for root. */
enum next caps_get_exit(struct tracee *t)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2] = {0};
	const struct tracee *of;

	if (t->result != 0 || !t->args[1] || tracee_read(t, t->args[0], &head, sizeof(head)) < 0 ||
	    head.version == _LINUX_CAPABILITY_VERSION_1)
		return RUN;
	of = head.pid ? identity_find(t->self, head.pid) : t;
	if (!of)
		return RUN;
	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(of->creds->effective >> 32 * i);
		data[i].permitted = (uint32_t)(of->creds->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(of->creds->inheritable >> 32 * i);
	}
	(void)tracee_write(t, t->args[1], data, sizeof(data));
	return RUN;
}

/* The real ones must stay: this process makes calls in the name of that one. */
enum next caps_set_enter(struct tracee *t)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct d[2];
	uint64_t sets[3];

	if (tracee_read(t, t->args[0], &head, sizeof(head)) < 0)
		return tracee_return(t, -EFAULT);
	if (head.version != _LINUX_CAPABILITY_VERSION_3 &&
	    head.version != _LINUX_CAPABILITY_VERSION_2)
		return tracee_return(t, -EINVAL);
	if (head.pid && head.pid != t->tid)
		return tracee_return(t, -EPERM);
	if (tracee_read(t, t->args[1], d, sizeof(d)) < 0)
		return tracee_return(t, -EFAULT);
	sets[0] = d[0].effective | (uint64_t)d[1].effective << 32;
	sets[1] = d[0].permitted | (uint64_t)d[1].permitted << 32;
	sets[2] = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	for (unsigned i = 0; i < 3; i++)
		sets[i] &= (1ull << (CAP_LAST_CAP + 1)) - 1;
	return changed(t, -creds_capset(&t->creds, sets[0], sets[1], sets[2]));
}

static long bounding(struct tracee *t, int option, uint64_t capability)
{
	if (capability > CAP_LAST_CAP)
		return -EINVAL;
	if (option == PR_CAPBSET_READ)
		return t->creds->bounding >> capability & 1;
	if (!creds_can(t->creds, CAP_SETPCAP))
		return -EPERM;
	creds_own(&t->creds)->bounding &= ~(1ull << capability);
	return 0;
}

static long ambient(struct tracee *t)
{
	const struct creds *c = t->creds;
	uint64_t bit = t->args[2] <= CAP_LAST_CAP ? 1ull << t->args[2] : 0;

	if (t->args[1] == PR_CAP_AMBIENT_CLEAR_ALL) {
		creds_own(&t->creds)->ambient = 0;
		return 0;
	}
	if (!bit)
		return -EINVAL;
	switch (t->args[1]) {
	case PR_CAP_AMBIENT_IS_SET:
		return (c->ambient & bit) != 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & bit) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		creds_own(&t->creds)->ambient |= bit;
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		creds_own(&t->creds)->ambient &= ~bit;
		return 0;
	default:
		return -EINVAL;
	}
}

enum next prctl_enter(struct tracee *t)
{
	int option = (int)t->args[0];

	switch (option) {
	case PR_GET_KEEPCAPS:
		return tracee_return(t, t->creds->keep_caps);
	case PR_SET_KEEPCAPS:
		creds_own(&t->creds)->keep_caps = t->args[1];
		return tracee_return(t, 0);
	case PR_GET_SECUREBITS:
		return tracee_return(t, t->creds->securebits);
	case PR_SET_SECUREBITS:
		if (!creds_can(t->creds, CAP_SETPCAP))
			return tracee_return(t, -EPERM);
		creds_own(&t->creds)->securebits = (unsigned)t->args[1];
		return tracee_return(t, 0);
	case PR_GET_NO_NEW_PRIVS:
		return tracee_return(t, t->creds->no_new_privs);
	case PR_SET_NO_NEW_PRIVS:
		if (t->args[1] != 1)
			return tracee_return(t, -EINVAL);
		creds_own(&t->creds)->no_new_privs = true;
		return tracee_return(t, 0);
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
		return tracee_return(t, bounding(t, option, t->args[1]));
	case PR_CAP_AMBIENT:
		return tracee_return(t, ambient(t));
	default:
		return RUN;
	}
}

/* SO_PEERCRED: to the kernel everybody is root. */
enum next peer_exit(struct tracee *t)
{
	struct ucred peer;
	const struct tracee *of;

	if (t->result != 0 || tracee_read(t, t->args[3], &peer, sizeof(peer)) < 0)
		return RUN;
	of = identity_find(t->self, peer.pid);
	if (!of)
		return RUN;
	peer.uid = of->creds->uid[EFFECTIVE];
	peer.gid = of->creds->gid[EFFECTIVE];
	(void)tracee_write(t, t->args[3], &peer, sizeof(peer));
	return RUN;
}
