/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/near.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

/* A word of ours, then what other build tools, package managers and containers call it. */
static const char *const groups[] = {
	/* kinds */
	"fetch download url http curl wget",
	"debian debootstrap mmdebstrap apt rootfs",
	"run exec shell script command build compile",
	"image rootfs filesystem",
	"disk sdcard card sd-card",
	"vm qemu guest",
	"group alias phony",
	/* keys */
	"kind type",
	"inputs depends depends-on depends_on dependencies deps needs requires sources src files",
	"run script scripts steps commands command cmd exec actions shell do",
	"outputs artifacts results products",
	"env environment variables",
	"root sysroot chroot",
	"filesystem fs fstype fs-type format type",
	"contents files copy overlay overlays rootfs content",
	"copy src source from file path",
	"to dest dst destination target",
	"partitions parts volumes",
	"from image base parent file source content",
	"sha256 checksum hash digest md5 sha1 sha512",
	"packages package pkgs apt apt-get install",
	"archives suite suites mirror mirrors repositories repos distribution release",
	"arch architecture cpu platform",
	"default targets target all",
	"vars variables defines env",
	"units services systemd",
	"enable enabled start",
	"disable disabled",
	"mask masked",
	"memory mem ram",
	"cpus cores threads",
	"timeout deadline",
	"images slots payload",
	"sign signer signing key",
	"mode permissions perms chmod",
	"modes permissions perms",
	"owner user chown",
	"label volume-label",
	"cmdline kernel-args kernel-cmdline bootargs append",
	"remove exclude delete",
	"users accounts",
	"uid id",
	"home homedir home-dir",
	"table partition-table partition-table-type disklabel label",
	"grow resize expand",
	/* file systems, tables, types of partitions */
	"vfat fat fat12 fat16 fat32 msdos dos",
	"mbr msdos dos",
	"esp efi ef00 efi-system",
	"linux-generic linux ext4 8300 83 0x83",
	"basic-data fat32 vfat 0700",
	"squashfs sqfs",
};

static bool has_word(const char *group, const char *word)
{
	size_t len = strlen(word), n;

	for (; *group; group += n + (group[n] == ' ')) {
		n = strcspn(group, " ");
		if (n == len && strncasecmp(group, word, n) == 0)
			return true;
	}
	return false;
}

/* That of WORDS which GROUP begins with. */
static const char *own_word(const char *group, const char *const *words, size_t count)
{
	size_t len = strcspn(group, " ");

	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == len && strncmp(group, words[i], len) == 0)
			return words[i];
	return NULL;
}

const char *near_word(const char *word, const char *const *words, size_t count)
{
	const char *alike = str_nearest(word, words, count);

	if (alike && str_distance(word, alike, 1) <= 1)
		return alike;
	for (size_t i = 0; i < array_len(groups); i++) {
		const char *own =
			has_word(groups[i], word) ? own_word(groups[i], words, count) : NULL;

		if (own)
			return own;
	}
	return alike;
}
