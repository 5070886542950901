/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the fuzz targets share. A target is a file NAME.c with the one function below, fed with the
 * files of corpus/NAME and with what libFuzzer makes of them:
 *
 *	./dev fuzz NAME MINUTES         libFuzzer, a build with clang in _build-fuzz
 *	unit test fuzz-NAME             corpus.c feeds the seeds alone, in _build-asan
 *
 * It reads DATA with what reads such bytes in orch, may assert what holds for all bytes, frees
 * everything, and depends on nothing else: equal bytes, equal course. Sanitizers see the rest. It
 * returns 0.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as text that ends at the first NUL. Heap. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	return xstrndup((const char *)data, size);
}

/* The bytes as a file in memory, for readers that want a path. */
struct fuzz_file {
	int fd;
	char path[32];
};
static inline struct fuzz_file fuzz_file(const uint8_t *data, size_t size)
{
	struct fuzz_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

	assert(f.fd >= 0 && write(f.fd, data, size) == (ssize_t)size);
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}
static inline void fuzz_file_close(struct fuzz_file *f)
{
	close(f->fd);
}
#define cleanup_fuzz_file __attribute__((cleanup(fuzz_file_close)))
