/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/finding.h"

struct fixture {
	struct findings findings;
	struct cli cli;
	char *top, *project, *out;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err *err = NULL;

	f->cli.findings = &f->findings;
	f->top = xstrdup("/tmp/test-finding.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	f->project = path_join(f->top, "products/p");
	f->out = path_join(f->top, "out");
	assert_int_equal(path_mkdirs(f->project, &err), 0);
	unsetenv("GITLAB_CI");
	setenv("GITHUB_ACTIONS", "true", 1);
	setenv("GITHUB_WORKSPACE", f->top, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err *err = NULL;

	assert_int_equal(path_remove(f->top, &err), 0);
	findings_release(&f->findings);
	free(f->top);
	free(f->project);
	free(f->out);
	free(f);
	return 0;
}

/* Adds a finding, and compares what GitHub is told. */
static void tells(struct fixture *f, const struct err *e, const char *expected)
{
	int file = open(f->out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct str got cleanup_str = STR_INIT;
	struct err *err = NULL;

	assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
	finding_add(&f->cli, f->project, FINDING_ERROR, e);
	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(file);
	assert_int_equal(file_read(f->out, 10000, &got, &err), 0);
	assert_string_equal(got.buf, expected);
}

static void test_annotation(void **state)
{
	struct fixture *f = *state;
	char file[] = "recipes/a,b:c%.yaml", absolute[] = "/etc/orch/config.yaml";
	struct err e = {.code = E_USAGE, .text = (char[]){"100 %\n::error::x"}, .file = file};

	e.line = 3;
	e.col = 7;
	tells(f, &e,
	      "::error file=products/p/recipes/a%2Cb%3Ac%25.yaml,line=3,col=7,title=orch%3A "
	      "usage::100 %25\\n::error::x\n");
	tells(f, &e, "");
	e.file = absolute;
	e.col = 0;
	tells(f, &e,
	      "::error file=/etc/orch/config.yaml,line=3,title=orch%3A usage::100 "
	      "%25\\n::error::x\n");
	e.file = NULL;
	tells(f, &e, "::error title=orch%3A usage::100 %25\\n::error::x\n");
	setenv("GITHUB_ACTIONS", "false", 1);
	e.line = 9;
	tells(f, &e, "");
	assert_int_equal(f->findings.items.count, 4);
}

static const char *fingerprint(const json_t *list, size_t i)
{
	return json_string_value(json_object_get(json_array_get(list, i), "fingerprint"));
}

static void test_code_quality(void **state)
{
	struct fixture *f = *state;
	char file[] = "recipes/a.yaml";
	struct err e = {.code = E_USAGE, .text = (char[]){"text"}, .file = file, .line = 3};
	struct err *err = NULL;
	const char *path;
	json_t *list;

	setenv("GITHUB_ACTIONS", "false", 1);
	setenv("GITLAB_CI", "true", 1);
	setenv("CI_PROJECT_DIR", f->top, 1);
	finding_add(&f->cli, f->project, FINDING_ERROR, &e);
	e.line = 8;
	finding_add(&f->cli, f->project, FINDING_WARNING, &e);
	e.file = NULL;
	e.line = 0;
	finding_add(&f->cli, NULL, FINDING_ERROR, &e);
	f->cli.code_quality = f->out;
	assert_int_equal(findings_write(&f->cli, &err), 0);
	list = json_load_file(f->out, 0, NULL);
	assert_int_equal(json_array_size(list), 3);
	assert_string_not_equal(fingerprint(list, 0), fingerprint(list, 1));
	assert_string_not_equal(fingerprint(list, 1), fingerprint(list, 2));
	assert_int_equal(
		json_unpack(json_array_get(list, 2), "{s:{s:s}}", "location", "path", &path), 0);
	assert_string_equal(path, "products/p/recipes/project.yaml");
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_annotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_quality, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
