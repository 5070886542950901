/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-chunks FILE: prints the identity of an image, as the store computes it. */
#include <fcntl.h>
#include <stdio.h>

#include "base/chunks.h"
#include "base/file.h"

int main(int argc, char **argv)
{
	struct err *err cleanup_err = NULL;
	struct chunk_info info;
	char hex[DIGEST_HEX + 1];
	int fd cleanup_fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fputs("usage: bench-chunks FILE\n", stderr);
		return 2;
	}
	if (chunks_digest(fd, argv[1], NULL, &info, &err)) {
		fprintf(stderr, "%s\n", err->text);
		return 1;
	}
	printf("chunks:%s %llu of %llu bytes\n", digest_hex(&info.digest, hex),
	       (unsigned long long)info.allocated, (unsigned long long)info.size);
	return 0;
}
