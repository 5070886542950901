/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "machine/sandbox/identity_priv.h"

#if defined(__x86_64__)

int regs_read(pid_t tid, struct regs *ret)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &ret->native) < 0 ? -1 : 0;
}

int regs_write(pid_t tid, const struct regs *r)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, &r->native) < 0 ? -1 : 0;
}

void regs_call(struct regs *r, long nr, const uint64_t args[6])
{
	r->native.orig_rax = (unsigned long long)nr;
	r->native.rdi = args[0];
	r->native.rsi = args[1];
	r->native.rdx = args[2];
	r->native.r10 = args[3];
	r->native.r8 = args[4];
	r->native.r9 = args[5];
}

void regs_result(struct regs *r, long value)
{
	r->native.rax = (unsigned long long)value;
}

void regs_rewind(struct regs *r, long nr)
{
	r->native.rax = (unsigned long long)nr;
	r->native.rip -= 2; /* 0f 05, or cd 80 */
}

#elif defined(__aarch64__)

int regs_read(pid_t tid, struct regs *ret)
{
	struct iovec regs = {&ret->native, sizeof(ret->native)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &regs) < 0)
		return -1;
	ret->nr = (int)ret->native.regs[8];
	return 0;
}

int regs_write(pid_t tid, const struct regs *r)
{
	struct iovec regs = {(void *)&r->native, sizeof(r->native)};
	struct iovec nr = {(void *)&r->nr, sizeof(r->nr)};

	if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &regs) < 0)
		return -1;
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &nr) < 0 ? -1 : 0;
}

void regs_call(struct regs *r, long nr, const uint64_t args[6])
{
	r->nr = (int)nr;
	for (int i = 0; i < 6; i++)
		r->native.regs[i] = args[i];
}

void regs_result(struct regs *r, long value)
{
	r->native.regs[0] = (unsigned long long)value;
}

void regs_rewind(struct regs *r, long nr)
{
	r->native.regs[8] = (unsigned long long)nr;
	r->native.pc -= 4;
}

#else

int regs_read(pid_t tid, struct regs *ret)
{
	(void)tid, (void)ret;
	return -1;
}

int regs_write(pid_t tid, const struct regs *r)
{
	(void)tid, (void)r;
	return -1;
}

void regs_call(struct regs *r, long nr, const uint64_t args[6])
{
	(void)args;
	r->nr = (int)nr;
}

void regs_result(struct regs *r, long value)
{
	r->nr = (int)value;
}

void regs_rewind(struct regs *r, long nr)
{
	r->nr = (int)nr;
}

#endif
