/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps of what cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map_fault.h"
#include "base/path.h"
#include "tmp.h"

/* A file that is cut while it is mapped fails as a disk with an error does. */
static void test_zeros(void **state)
{
	char *path cleanup_free = path_join(dir, "mapped");
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const volatile char *map;
	int status = 0;

	assert_int_equal(ftruncate(fd, (off_t)(4 * page)), 0);
	assert_int_equal(pwrite(fd, "abcd", 4, (off_t)(2 * page)), 4);
	map = mmap(NULL, 4 * page, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	map_faults_begin();
	assert_int_equal(map[2 * page], 'a');
	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	assert_int_equal(map[0] + map[2 * page] + map[2 * page + 1] + map[3 * page], 0);
	assert_int_equal(map_faults_end(), 2);
	if (fork() == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(map[page]);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	munmap((void *)map, 4 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_zeros)};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
