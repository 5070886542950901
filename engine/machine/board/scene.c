/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "machine/board/scene_priv.h"
#include "machine/board/scene_remote.h"
#include "machine/guest/qemu.h"

/* -- lines -- */

#define MALLOC_COST 32 /* of a line's text, besides its bytes */
#define SEND_S 60      /* until the guest has taken a command */

/* What stands before a line in the log; a console's has nothing. */
static const char *const marks[] = {
	[SCENE_CONSOLE] = "", [SCENE_QEMU] = "qemu: ",   [SCENE_BOARD] = "board: ",
	[SCENE_JOB] = "> ",   [SCENE_BACKGROUND] = "& ", [SCENE_NOTE] = "-- "};

/* A console that prints what is a mark, or hides one, does not speak for us. */
static const char *mark(enum scene_source source, const char *text)
{
	for (size_t i = 0; source == SCENE_CONSOLE && i < array_len(marks); i++)
		if (*marks[i] && str_skip(text, marks[i]))
			return "\\";
	return source == SCENE_CONSOLE && *text == '\\' ? "\\" : marks[source];
}

/*
 * Keeps a line, and tells the log of it. The board has said too much when all that is kept since
 * power-on would take more than SCENE_KEPT_MAX: nothing is forgotten, for scene_lines() has all.
 */
static void add_line(struct scene *s, enum scene_source source, unsigned job, const char *text)
{
	uint64_t ms = s->start ? clock_ms() - s->start : 0;
	char *line cleanup_free = xasprintf("[%5u.%03u] %s%s", (unsigned)(ms / 1000),
					    (unsigned)(ms % 1000), mark(source, text), text);

	s->kept += sizeof(struct scene_line) + strlen(text) + MALLOC_COST;
	if (s->kept <= SCENE_KEPT_MAX)
		scene_lines_push(&s->lines, (struct scene_line){.text = xstrdup(text),
								.source = source,
								.job = job,
								.ms = ms});
	s->o.log(s->o.arg, source, line);
}

void scene_note(struct scene *s, const char *fmt, ...)
{
	va_list ap;
	char *text cleanup_free = NULL;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	add_line(s, SCENE_NOTE, 0, text);
}

static void look_for_never(struct scene *s, const char *line)
{
	for (size_t i = 0; i < s->o.never_count && !s->broken; i++) {
		if (strstr(line, s->o.never[i]))
			s->broken = xstrdup(s->o.never[i]);
	}
}

void scene_console_said(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct scene *s = arg;

	if (event != CONSOLE_LINE)
		return;
	add_line(s, SCENE_CONSOLE, 0, text);
	if (*text && s->open_taken && s->kept <= SCENE_KEPT_MAX) {
		s->lines.items[s->lines.count - 1].taken = true;
		s->open_taken = false;
	}
	look_for_never(s, text);
}

void scene_qemu_said(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct scene *s = arg;

	if (event != CONSOLE_LINE)
		return;
	free(s->last_own);
	s->last_own = xstrdup(text);
	add_line(s, s->remote ? SCENE_BOARD : SCENE_QEMU, 0, text);
}

static bool is_background(const struct scene *s, unsigned job)
{
	for (size_t i = 0; i < s->background.count; i++) {
		if ((unsigned)strtoul(s->background.items[i], NULL, 10) == job)
			return true;
	}
	return false;
}

void scene_agent_said(void *arg, enum agent_event event, unsigned id, const char *text, int status)
{
	struct scene *s = arg;
	bool background = event != AGENT_HELLO && is_background(s, id);

	switch (event) {
	case AGENT_HELLO:
		s->hello = true;
		scene_note(s, "commands can be run");
		break;
	case AGENT_LINE:
		add_line(s, background ? SCENE_BACKGROUND : SCENE_JOB, id, text);
		break;
	case AGENT_END:
		job_ends_push(&s->ends, (struct job_end){id, status});
		scene_note(s, "command %u ended with %d", id, status);
		break;
	}
}

const struct scene_lines *scene_lines(const struct scene *s)
{
	return &s->lines;
}

const char *scene_last_line(const struct scene *s)
{
	if (s->console.line.len)
		return s->console.line.buf;
	for (size_t i = s->lines.count; i-- > 0;) {
		if (s->lines.items[i].source == SCENE_CONSOLE && *s->lines.items[i].text)
			return s->lines.items[i].text;
	}
	return "";
}

/* -- QEMU's monitor -- */

static void qmp_line(struct scene *s, const char *line)
{
	json_t *root = json_loads(line, 0, NULL);
	const char *event = json_string_value(json_object_get(root, "event"));

	if (event && str_eq(event, "RESET")) {
		s->resets++;
		s->hello = false;
		agent_reset(&s->agent);
		scene_note(s, "reset");
	} else if (event && str_eq(event, "WATCHDOG")) {
		scene_note(s, "the watchdog fired");
	} else if (json_object_get(root, "QMP")) {
		s->qmp_ready = true;
	} else if (json_object_get(root, "return") || json_object_get(root, "error")) {
		s->qmp_answer = true;
		s->qmp_failed = json_object_get(root, "error") != NULL;
	}
	json_decref(root);
}

void scene_monitor_feed(struct scene *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			if (s->monitor.len < MONITOR_LINE_MAX)
				str_append_char(&s->monitor, data[i]);
			continue;
		}
		qmp_line(s, s->monitor.buf);
		str_clear(&s->monitor);
	}
}

/* -- the loop -- */

/* Reads what is there into *RET_LEN bytes of BUF. 1 at the end of the stream. */
static int take(int *fd, char *buf, size_t size, size_t *ret_len)
{
	ssize_t n = read(*fd, buf, size);

	*ret_len = n > 0 ? (size_t)n : 0;
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return 0;
	fd_closep(fd);
	return 1;
}

static void take_all(struct scene *s, const struct pollfd *fds)
{
	char buf[16384];
	size_t len;

	if (fds[0].revents && take(&s->outfd, buf, sizeof(buf), &len) == 0) {
		s->heard = true;
		if (s->remote)
			len = scene_remote_filter(s, buf, len);
		console_feed(&s->console, buf, len);
		look_for_never(s, s->console.line.buf);
	}
	if (fds[1].revents && take(&s->errfd, buf, sizeof(buf), &len) == 0)
		console_feed(&s->own, buf, len);
	/* A reset comes before what the new guest says. */
	if (fds[3].revents & ~POLLOUT && take(&s->qmpfd, buf, sizeof(buf), &len) == 0)
		scene_monitor_feed(s, buf, len);
	if (fds[2].revents & ~POLLOUT && take(&s->agentfd, buf, sizeof(buf), &len) == 0)
		agent_feed(&s->agent, buf, len);
}

int scene_reap(struct scene *s, struct err **err)
{
	pid_t pid = s->pid;

	s->pid = 0;
	fd_closep(&s->pidfd);
	fd_closep(&s->outfd);
	fd_closep(&s->errfd);
	fd_closep(&s->agentfd);
	fd_closep(&s->qmpfd);
	if (s->o.web)
		web_close(s->o.web);
	if (proc_wait(pid, &s->status, err) < 0)
		return -1;
	console_end(&s->console);
	console_end(&s->own);
	return 0;
}

#define OWN_FDS 5

static short events(const struct scene *s, const int *fd)
{
	return s->sending == fd ? POLLIN | POLLOUT : POLLIN;
}

int scene_pump(struct scene *s, uint64_t deadline, struct err **err)
{
	struct pollfd fds[OWN_FDS + WEB_FDS] = {
		{.fd = s->outfd, .events = POLLIN},
		{.fd = s->errfd, .events = POLLIN},
		{.fd = s->agentfd, .events = events(s, &s->agentfd)},
		{.fd = s->qmpfd, .events = events(s, &s->qmpfd)},
		{.fd = s->pidfd, .events = POLLIN}};
	size_t webs = s->o.web ? web_poll(s->o.web, fds + OWN_FDS, WEB_FDS) : 0;
	uint64_t now = clock_ms();
	int n;

	if (!scene_is_on(s))
		return 2;
	if (s->o.stop && *s->o.stop)
		return err_set(err, E_STOPPED, "stopped while the board was on");
	if (s->deadline && now >= s->deadline)
		return err_set(err, E_BOARD_TIMEOUT, "the test was not done in time");
	if (s->deadline && deadline > s->deadline)
		deadline = s->deadline;
	if (now >= deadline)
		return 1;
	n = poll(fds, OWN_FDS + webs,
		 deadline - now > QEMU_ROOM_MS ? QEMU_ROOM_MS : (int)(deadline - now));
	if (n < 0 && errno != EINTR)
		return err_errno(err, E_INTERNAL, errno, "cannot wait for the board");
	if (!qemu_has_room(s->o.dir))
		return err_set(err, E_DISK_FULL,
			       "there is no room left for what the board writes to its card");
	if (n > 0)
		take_all(s, fds);
	if (n > 0 && webs)
		web_take(s->o.web, fds + OWN_FDS, webs);
	if (s->broken)
		return err_set(err, E_SCENARIO_FAILED,
			       "the console shows '%s', which it never must: '%s'", s->broken,
			       scene_last_line(s));
	if (s->kept > SCENE_KEPT_MAX)
		return err_set(err, E_SCENARIO_FAILED,
			       "the board said more than %u MiB since it was switched on",
			       SCENE_KEPT_MAX >> 20);
	if (s->remote)
		return scene_remote_pumped(s, err);
	/* QEMU is gone when everything it said has been read. */
	if (n > 0 && fds[4].revents && !fds[0].revents && !fds[1].revents)
		return scene_reap(s, err) < 0 ? -1 : 2;
	if (n > 0 && fds[4].revents && s->outfd < 0 && s->errfd < 0)
		return scene_reap(s, err) < 0 ? -1 : 2;
	return 0;
}

uint64_t scene_deadline(const struct scene *s, unsigned seconds)
{
	return clock_ms() + board_seconds(s->o.board, seconds) * 1000ull;
}

int scene_went_off(struct scene *s, const char *what, struct err **err)
{
	char *how cleanup_free = NULL;

	if (s->remote)
		return err_set(err, E_BOARD_OFF, "%s: the board is off", what);
	if (WIFEXITED(s->status) && WEXITSTATUS(s->status) == 0)
		return err_set(err, E_BOARD_OFF, "%s: the board switched itself off", what);
	how = proc_status_string(s->status);
	return err_set(err, E_BOARD_OFF, "%s: QEMU %s%s%s", what, how, s->last_own ? ": " : "",
		       s->last_own ? s->last_own : "");
}

int scene_too_late(const struct scene *s, const char *what, unsigned seconds, struct err **err)
{
	return err_set(err, E_SCENARIO_FAILED, "%s within %u s", what,
		       board_seconds(s->o.board, seconds));
}

int scene_pass(struct scene *s, uint64_t ms, struct err **err)
{
	uint64_t deadline = clock_ms() + ms;
	int rc;

	while ((rc = scene_pump(s, deadline, err)) == 0)
		;
	if (rc == 2)
		return scene_went_off(s, "while nothing was asked for", err);
	return rc < 0 ? -1 : 0;
}

/* -- waiting -- */

/* Looks at the lines from *AT on. 1: a hit, which is *RET. */
static int match_lines(struct scene *s, const struct scene_want *want, size_t *at,
		       struct scene_line *ret, struct err **err)
{
	struct scene_line open = {
		.text = s->console.line.buf, .source = SCENE_CONSOLE, .ms = clock_ms() - s->start};

	for (; *at < s->lines.count; ++*at) {
		const struct scene_line *line = &s->lines.items[*at];
		int rc;

		if (line->taken)
			continue;
		if (line->source != SCENE_CONSOLE &&
		    !(want->background && line->source == SCENE_BACKGROUND))
			continue;
		rc = want->fn(want->arg, line, err);
		if (rc == 1) {
			*ret = *line;
			if (line->source == SCENE_CONSOLE)
				s->cursor = *at + 1;
			++*at;
		}
		if (rc != 0)
			return rc;
	}
	if (want->open && !s->open_taken && s->console.line.len &&
	    want->fn(want->arg, &open, NULL) == 1) {
		*ret = open;
		s->cursor = *at;
		s->open_taken = true;
		return 1;
	}
	return 0;
}

int scene_wait(struct scene *s, const struct scene_want *want, unsigned seconds,
	       struct scene_line *ret, struct err **err)
{
	uint64_t deadline = scene_deadline(s, seconds);
	struct scene_line line;
	size_t at = s->cursor;
	int rc = 0, hit;

	for (;;) {
		hit = match_lines(s, want, &at, &line, err);
		if (hit < 0)
			return -1;
		if (hit == 1) {
			if (ret)
				*ret = line;
			return 0;
		}
		if (rc == 1)
			return scene_too_late(s, want->what, seconds, err);
		if (rc == 2)
			return scene_went_off(s, want->what, err);
		rc = scene_pump(s, deadline, err);
		if (rc < 0)
			return -1;
	}
}

/* -- commands -- */

int scene_wait_agent(struct scene *s, unsigned seconds, struct err **err)
{
	uint64_t deadline = scene_deadline(s, seconds);
	int rc = 0;

	if (s->remote)
		return scene_remote_wait_agent(s, seconds, err);
	while (!s->hello && rc == 0)
		rc = scene_pump(s, deadline, err);
	if (rc == 1)
		return scene_too_late(s, "the guest takes no commands", seconds, err);
	if (rc == 2)
		return scene_went_off(s, "while waiting for the guest to take commands", err);
	return rc;
}

int scene_start(struct scene *s, const char *script, bool background, unsigned *ret_job,
		struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	unsigned job = ++s->next_job, resets = s->resets;
	size_t sent;
	int rc;

	agent_request(job, script, &text);
	if (background)
		strv_printf(&s->background, "%u", job);
	scene_note(s, "command %u", job);
	if (s->agentfd < 0)
		return err_set(err, E_BOARD_OFF, "the board is off");
	*ret_job = job;
	rc = scene_send(s, &s->agentfd, text.buf, text.len, SEND_S, &sent, err);
	if (rc < 0)
		return -1;
	if (s->resets != resets)
		return err_set(err, E_SCENARIO_FAILED,
			       "the guest restarted before it had the command");
	if (rc == 2)
		return scene_went_off(s, "before it had the command", err);
	if (rc == 1)
		return err_set(err, E_SCENARIO_FAILED,
			       "the guest took %zu of the command's %zu bytes within %u s: what "
			       "runs commands in it hangs; if it is only slow, raise the board's "
			       "'time-scale'",
			       sent, text.len, board_seconds(s->o.board, SEND_S));
	return 0;
}

int scene_wait_job(struct scene *s, unsigned job, unsigned seconds, int *ret_status,
		   struct err **err)
{
	uint64_t deadline = scene_deadline(s, seconds);
	unsigned resets = s->resets;

	for (;;) {
		int rc;

		for (size_t i = 0; i < s->ends.count; i++) {
			if (s->ends.items[i].job == job) {
				*ret_status = s->ends.items[i].status;
				return 0;
			}
		}
		if (s->resets != resets)
			return err_set(err, E_SCENARIO_FAILED,
				       "the guest restarted%s during the command",
				       s->remote ? ", or the connection to it broke," : "");
		rc = scene_pump(s, deadline, err);
		if (rc < 0)
			return -1;
		if (rc == 1)
			return scene_too_late(s, "the command did not end", seconds, err);
		if (rc == 2)
			return scene_went_off(s, "during the command", err);
	}
}

void scene_forget_agent(struct scene *s)
{
	if (s->remote)
		scene_remote_forget_agent(s);
	s->hello = false;
}

void scene_skip(struct scene *s)
{
	s->cursor = s->lines.count;
	s->open_taken = s->console.line.len > 0;
}
