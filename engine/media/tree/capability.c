/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/capability.h"

#include <endian.h>
#include <string.h>

#include "base/vec.h"

/* By number: linux/capability.h. */
static const char *const capabilities[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

/* struct vfs_cap_data: a header, then permitted and inheritable of 32 bits each in turn. */
static void read_words(const void *value, size_t len, uint32_t words[6])
{
	memset(words, 0, 6 * sizeof(*words));
	memcpy(words, value, len < 6 * sizeof(*words) ? len : 6 * sizeof(*words));
	for (size_t i = 0; i < 6; i++)
		words[i] = le32toh(words[i]);
}

static void put_name(struct str *s, unsigned i)
{
	if (i < array_len(capabilities))
		str_printf(s, " cap_%s", capabilities[i]);
	else
		str_printf(s, " %u", i);
}

void capability_names(struct str *s, const void *value, size_t len)
{
	uint32_t words[6];

	read_words(value, len, words);
	for (unsigned i = 0; i < 64; i++) {
		unsigned at = 1 + i / 32 * 2;

		if ((words[at] | words[at + 1]) >> (i % 32) & 1)
			put_name(s, i);
	}
}

#define IS_EFFECTIVE 1u /* in the header */

void capability_text(struct str *s, const void *value, size_t len)
{
	uint32_t words[6];

	read_words(value, len, words);
	if (len != 12 && len != 20 && len != 24) {
		str_append_char(s, ' ');
		for (size_t i = 0; i < len; i++)
			str_printf(s, "%02x", ((const unsigned char *)value)[i]);
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		bool permitted = words[1 + i / 32 * 2] >> (i % 32) & 1;
		bool inherited = words[2 + i / 32 * 2] >> (i % 32) & 1;

		if (!permitted && !inherited)
			continue;
		put_name(s, i);
		str_printf(s, "=%s%s%s", words[0] & IS_EFFECTIVE ? "e" : "", inherited ? "i" : "",
			   permitted ? "p" : "");
	}
	if (words[5])
		str_printf(s, " [rootid=%u]", words[5]);
}
