/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the scheduler does for running jobs whatever else it is at, be it waiting for the store. */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"
#include "run/sched_run.h"

#define TICK_MS 1000 /* unless the sink asks for another */

static int tick_ms(const struct sched *d)
{
	return d->opts->tick_ms ? (int)d->opts->tick_ms : TICK_MS;
}

void sched_abort_all(struct sched *d, bool hard)
{
	for (size_t i = 0; i < d->running.count; i++)
		job_abort(d->running.items[i].job, JOB_CANCELLED, hard);
}

void sched_take_signals(struct sched *d)
{
	struct signalfd_siginfo si;

	while (read(d->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			d->child_ended = true;
			continue;
		}
		sched_abort_all(d, d->result->signal != 0);
		if (!d->result->signal)
			d->result->signal = (int)si.ssi_signo;
		sched_stop(d);
		store_hurry(d->s);
	}
}

int sched_next_tick(struct sched *d)
{
	uint64_t now = clock_ms();
	int wait = d->running.count ? tick_ms(d) : -1;

	for (size_t i = 0; i < d->running.count; i++) {
		int ms = job_tick(d->running.items[i].job, now);

		wait = ms < wait ? ms : wait;
	}
	return wait;
}

void sched_tick(struct sched *d)
{
	uint64_t now = clock_ms();

	if (!d->running.count || now < d->tick_ms + (uint64_t)tick_ms(d))
		return;
	d->tick_ms = now;
	sched_tell(d, &(struct event){.type = EVENT_TICK});
}

void sched_serve(void *arg, int ms)
{
	struct sched *d = arg;
	size_t count = d->running.count;
	struct pollfd *p cleanup_free = xcalloc(count + 1, sizeof(*p));
	int due = sched_next_tick(d);

	p[count] = (struct pollfd){.fd = d->signals, .events = POLLIN};
	for (size_t i = 0; i < count; i++) {
		const struct job *j = d->running.items[i].job;

		p[i] = (struct pollfd){.fd = j->in_ended ? -1 : j->sock, .events = job_events(j)};
	}
	if (poll(p, count + 1, due >= 0 && due < ms ? due : ms) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (p[i].revents)
			job_take(d->running.items[i].job, p[i].revents);
	if (p[count].revents)
		sched_take_signals(d);
	sched_tick(d);
}
