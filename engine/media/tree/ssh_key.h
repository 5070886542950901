/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Public keys of ssh, as authorized_keys has them: `[OPTIONS] TYPE BASE64 [COMMENT]` (sshd(8)). A
 * device that knows no other way in cannot be entered when the one line is wrong, and sshd passes
 * over such a line without a word.
 *
 * What is decoded: strings of 32 bits of length and bytes (RFC 4251), the first one the type again
 * (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f for sk-…). The number of strings and the length of
 * what has one are checked, not whether the point lies on its curve.
 */
#include "base/str.h"

/*
 * What is wrong with a LINE that is neither empty nor a comment, for a message that begins with
 * where it is: "is cut: …". NULL: nothing is. The caller frees it.
 */
char *ssh_key_wrong(const char *line);
