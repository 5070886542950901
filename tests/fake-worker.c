/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker that breaks the rules, for scheduler tests. It reads a JOB and does what the manifest's
 * option "act" says:
 *
 *	garbage     sends bytes that are no frame
 *	noresult    ends with 0 without RESULT
 *	die         kills itself with SIGKILL after printing a line
 *	deaf        ignores ABORT and SIGTERM and sleeps
 *	mute        closes the socket and sleeps
 *	wrong       sends an output nobody asked for
 *	twice       sends RESULT twice
 *	job         sends a JOB frame
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "run/proto.h"
#include "run/spawner.h"

static void flush(struct str *out)
{
	struct err *err cleanup_err = NULL;

	(void)!frame_flush(out, WORKER_FD, &err);
}

static int act(const char *what)
{
	struct str out = STR_INIT, none = STR_INIT;
	struct artifact a = {.name = "other.txt"};

	if (str_eq(what, "garbage")) {
		(void)!write(WORKER_FD, "this is no frame", 16);
		pause();
	} else if (str_eq(what, "die")) {
		fputs("about to die\n\n", stderr);
		raise(SIGKILL);
		_exit(9); /* in its own pid namespace even SIGKILL from inside does nothing */
	} else if (str_eq(what, "deaf")) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	} else if (str_eq(what, "mute")) {
		close(WORKER_FD);
		for (;;)
			pause();
	} else if (str_eq(what, "wrong")) {
		output_put(&out, &a);
		result_put(&out, NULL);
	} else if (str_eq(what, "twice")) {
		result_put(&out, NULL);
		result_put(&out, NULL);
	} else if (str_eq(what, "job")) {
		frame_put(&out, FRAME_JOB, &none);
	}
	flush(&out);
	return 0;
}

static void work(const void *arg)
{
	struct frames in = FRAMES_INIT;
	struct err *err = NULL;
	struct job_spec spec;
	struct frame f;
	const char *p;
	char word[32] = "";
	int rc;

	while ((rc = frames_next(&in, &f, &err)) == 1) {
		if (frames_read(&in, WORKER_FD, &err) != 0)
			_exit(3);
	}
	if (rc < 0 || job_spec_read(arena_new(), f.data, f.len, &spec, &err) < 0)
		_exit(3);
	p = strstr(spec.manifest, "option act \"");
	if (!p || sscanf(p, "option act \"%31[^\"]", word) != 1)
		_exit(3);
	_exit(act(word)); /* what it holds is the system's to free */
}

int main(void)
{
	return spawner_serve("test", work, NULL);
}
