/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/pool.h"

#include <sched.h>

#include "base/file.h"

#define MB (1024 * 1024)

static unsigned usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

/* The number behind KEY in the file at PATH ("" : the file is the number), or 0. */
static uint64_t number_in(const char *path, const char *key)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const char *p;

	if (file_read(path, 65536, &text, &err) < 0)
		return 0;
	p = strstr(text.buf, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/* The memory limit of this process's control group less what it uses, bytes; UINT64_MAX: none. */
static uint64_t cgroup_room(void)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *group, *dir cleanup_free = NULL, *max cleanup_free = NULL, *now cleanup_free = NULL;
	uint64_t limit, used;

	if (file_read("/proc/self/cgroup", 65536, &text, &err) < 0)
		return UINT64_MAX;
	group = strstr(text.buf, "0::/");
	if (!group)
		return UINT64_MAX;
	group[strcspn(group, "\n")] = 0;
	dir = xasprintf("/sys/fs/cgroup%s", group + 3);
	max = xasprintf("%s/memory.max", dir);
	now = xasprintf("%s/memory.current", dir);
	limit = number_in(max, ""); /* "max" reads as 0 */
	used = number_in(now, "");
	if (!limit)
		return UINT64_MAX;
	return limit > used ? limit - used : 0;
}

static unsigned usable_memory_mb(void)
{
	uint64_t available = number_in("/proc/meminfo", "MemAvailable:") * 1024;
	uint64_t room = cgroup_room();

	if (!available || room < available)
		available = room;
	if (available == UINT64_MAX)
		return 1024;
	available = available / 4 * 3 / MB;
	return available < 1 ? 1 : available > UINT32_MAX ? UINT32_MAX : (unsigned)available;
}

void pool_init(struct pool *p, unsigned cpus, unsigned memory_mb)
{
	*p = (struct pool){
		.cpus = cpus ? cpus : usable_cpus(),
		.memory_mb = memory_mb ? memory_mb : usable_memory_mb(),
	};
}

void pool_round(struct pool *p)
{
	p->claimed_memory = 0;
}

static unsigned at_most(unsigned n, unsigned limit)
{
	return n < limit ? n : limit;
}

bool pool_take(struct pool *p, struct demand demand, struct slot *ret)
{
	struct slot s = {
		.cpus = at_most(demand.cpus ? demand.cpus : 1, p->cpus),
		.memory_mb = at_most(demand.memory_mb, p->memory_mb),
	};

	if (p->used_cpus >= p->cpus)
		return false;
	if (s.memory_mb) {
		if (s.memory_mb > p->memory_mb - p->used_memory) {
			if (!p->claimed_memory)
				p->claimed_memory = s.memory_mb;
			return false;
		}
		if (s.memory_mb > p->memory_mb - p->claimed_memory)
			return false;
	}
	p->used_cpus += s.cpus;
	p->used_memory += s.memory_mb;
	*ret = s;
	return true;
}

void pool_add_farm(struct pool *p, unsigned jobs)
{
	p->farm_jobs = jobs;
}

bool pool_take_farm(struct pool *p, struct demand demand, struct slot *ret)
{
	if (p->used_farm >= p->farm_jobs)
		return false;
	p->used_farm++;
	*ret = (struct slot){
		.cpus = demand.cpus ? demand.cpus : 1, .memory_mb = demand.memory_mb, .farm = true};
	return true;
}

bool pool_is_full(const struct pool *p)
{
	return p->used_cpus >= p->cpus && p->used_farm >= p->farm_jobs;
}

void pool_give(struct pool *p, struct slot slot)
{
	if (slot.farm) {
		p->used_farm--;
		return;
	}
	p->used_cpus -= slot.cpus;
	p->used_memory -= slot.memory_mb;
}
