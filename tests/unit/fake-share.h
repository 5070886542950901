/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A shared cache made by hand, in place of remote/share.c: results and blobs lie in $FAKE_SHARE as
 * in a store. Each call appends a letter to its file "calls" (a: a question, f: a fetch, p: a
 * push), and the file "fault" says which goes wrong and how:
 *
 *	f2 lost            the second fetch
 *	a0 unreachable     all questions
 *
 *	unreachable refused    the errors of that name
 *	lost                   a fetch: nobody has the bytes; a question: a miss
 *	crash                  SIGKILL to the process that was asked
 *	hang                   no answer, ever
 *	full                   an error that is not the cache's
 */
void fake_share_open(void);
void fake_share_close(void);
/* FORMAT as in the file; NULL: nothing goes wrong from here on. */
void fake_share_fault(const char *fault);
/* How many calls of that letter there were. */
unsigned fake_share_calls(char letter);
/* Removes all blobs, or all results, that were stored. */
void fake_share_evict(const char *what);
