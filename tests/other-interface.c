/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives /opt/file to user 1 and group 1 by a system call of i386, as a program of that architecture
 * would on amd64. Elsewhere it does nothing. Static, without a C library.
 */
void _start(void);

void _start(void)
{
#ifdef __x86_64__
	static const char file[] = "/opt/file";
	/* A static program that is not position-independent lies below 4 GiB. */
	unsigned long path = (unsigned long)file;
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(182), "b"(path), "c"(1), "d"(1)
			 : "memory", "r8", "r9", "r10", "r11");
	__asm__ volatile("syscall" : : "a"(60), "D"(result ? 1 : 0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long nr __asm__("x8") = 93;
	register long status __asm__("x0") = 0;

	__asm__ volatile("svc 0" : : "r"(nr), "r"(status));
#endif
	for (;;)
		;
}
