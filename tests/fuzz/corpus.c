/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz-NAME DIRECTORY|FILE...: feeds a fuzz target (fuzz.h) with files, without libFuzzer. A
 * directory without files is a failure.
 */
#include <dirent.h>

#include "base/path.h"
#include "fuzz.h"

static int feed(const char *path)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	uint8_t *data cleanup_free = NULL;

	if (file_read(path, 64 << 20, &text, &err) < 0) {
		fprintf(stderr, "%s\n", err->text);
		return 1;
	}
	fprintf(stderr, "%s\n", path);
	data = xmemdup(text.buf, text.len); /* without the NUL: a look beyond the end is seen */
	return LLVMFuzzerTestOneInput(data, text.len);
}

static int feed_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int rc = 1;

	if (!dir)
		return feed(path);
	while ((d = readdir(dir))) {
		char *file cleanup_free = path_join(path, d->d_name);

		if (d->d_name[0] == '.')
			continue;
		rc = feed(file);
		if (rc)
			break;
	}
	closedir(dir);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (feed_all(argv[i]) != 0)
			return 1;
	return argc > 1 ? 0 : 2;
}
