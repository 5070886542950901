/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What orchestrator and worker say to each other. The first byte says how the stream is cut, and
 * with its highest bit that the rest is the payload of one frame of type 1 to 8.
 */
#include "fuzz.h"
#include "kinds/makers.h"
#include "run/decode.h"

static const struct maker *const makers[] = {&maker_debian, &maker_run, &maker_image, NULL};

static void job(struct arena *arena, const struct frame *f, struct err **err)
{
	struct job_spec spec;
	struct action a = {0};

	if (job_spec_read(arena, f->data, f->len, &spec, err) < 0)
		return;
	if (action_decode(arena, &spec, makers, &a, err) == 0)
		assert(a.kind);
	job_spec_clear(&spec);
}

static void one(const struct frame *f)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL, *result cleanup_err = NULL;
	struct artifact artifact;
	struct blob_state state;
	int64_t since;
	const char *text;
	struct job_progress progress;
	int rc = 0;

	switch (f->type) {
	case FRAME_JOB:
		job(arena, f, &err);
		break;
	case FRAME_PROGRESS:
		rc = progress_read(arena, f, &progress, &err);
		break;
	case FRAME_OUTPUT:
		rc = output_read(arena, f, &artifact, &err);
		break;
	case FRAME_RESULT:
		rc = result_read(arena, f, &result, &err);
		break;
	case FRAME_HASHED:
	case FRAME_DAMAGED:
		rc = blob_read(arena, f, &artifact, &state, &err);
		if (!rc)
			free(state.why);
		break;
	case FRAME_MISUSED:
		rc = misused_read(arena, f, &artifact, &since, &err);
		break;
	case FRAME_WARNING:
		rc = warning_read(arena, f, &text, &err);
		break;
	case FRAME_ABORT:
	case FRAME_OUTSIDE:
		break;
	}
	assert(rc == 0 || err);
}

static void stream(const uint8_t *data, size_t size, size_t step)
{
	struct frames frames = FRAMES_INIT;
	struct err *err cleanup_err = NULL;
	struct frame f;
	int rc = 0;

	for (size_t at = 0; at < size && rc >= 0; at += step) {
		frames_feed(&frames, data + at, size - at < step ? size - at : step);
		while ((rc = frames_next(&frames, &f, &err)) == 0)
			one(&f);
	}
	frames_release(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame f;

	if (!size)
		return 0;
	f = (struct frame){
		.type = (enum frame_type)(FRAME_JOB + (data[0] & 7)),
		.data = (const char *)data + 1,
		.len = size - 1,
	};
	if (data[0] & 0x80) {
		if (frame_fits(f.type, f.len))
			one(&f);
	} else {
		stream(data + 1, size - 1, (size_t)data[0] + 1);
	}
	return 0;
}
