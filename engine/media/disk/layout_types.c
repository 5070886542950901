/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words for the types of partitions. */
#include <ctype.h>

#include "base/digest.h"
#include "base/near.h"
#include "base/str.h"
#include "media/disk/layout.h"

/* Names and GUIDs of the Discoverable Partitions Specification and the UEFI specification. */
#define TYPES(X)                                                   \
	X("esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")           \
	X("xbootldr", "BC13C2FF-59E6-4262-A352-B275FD6F7172")      \
	X("root-arm64", "B921B045-1DF0-41C3-AF44-4C6F280D3FAE")    \
	X("root-arm", "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3")      \
	X("root-x86-64", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")   \
	X("root-x86", "44479540-F297-41B2-9AF7-D131D5F0458A")      \
	X("root-riscv64", "72EC70A6-CF74-40E6-BD49-4BDA08E8F224")  \
	X("usr-arm64", "B0E01050-EE5F-4390-949A-9101B17104E9")     \
	X("usr-x86-64", "8484680C-9521-48C6-9C11-B0720656F69E")    \
	X("home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915")          \
	X("srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8")           \
	X("var", "4D21B016-B534-45C2-A9FB-5C16E091FD2D")           \
	X("tmp", "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1")           \
	X("swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F")          \
	X("linux-generic", "0FC63DAF-8483-4772-8E79-3D69D8477DE4") \
	X("basic-data", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")    \
	X("bios-boot", "21686148-6449-6E6F-744E-656564454649")

#define WORD(word, guid) word,
#define GUID(word, guid) guid,
const char *const layout_type_words[] = {TYPES(WORD) NULL};
static const char *const type_guids[] = {TYPES(GUID) NULL};

/* The word that TYPE begins, or else is nearly. */
static const char *near(const char *type)
{
	size_t count = 0, len = strlen(type);

	for (; layout_type_words[count]; count++)
		if (strncmp(layout_type_words[count], type, len) == 0 &&
		    layout_type_words[count][len] == '-')
			return layout_type_words[count];
	return near_word(type, layout_type_words, count);
}

char *layout_type_hint(const char *type)
{
	const char *word = near(type);
	struct str all = STR_INIT;

	if (word)
		return xasprintf(": did you mean '%s'?", word);
	for (size_t i = 0; layout_type_words[i]; i++)
		str_printf(&all, "%s%s", i ? ", " : " (one of: ", layout_type_words[i]);
	str_append(&all, ")");
	return str_steal(&all);
}

const char *layout_type_guid(const char *type, char buf[37])
{
	unsigned char id[16];

	for (size_t i = 0; layout_type_words[i]; i++)
		if (str_eq(type, layout_type_words[i]))
			return type_guids[i];
	if (uuid_parse(type, id))
		return NULL;
	for (int i = 0; i < 37; i++)
		buf[i] = (char)toupper((unsigned char)type[i]);
	return buf;
}

/* What people call them; the first of several words for one byte is the one to write. */
static const struct {
	const char *word;
	unsigned char byte;
} mbr_types[] = {
	{"linux", 0x83},         {"swap", 0x82},       {"fat12", 0x01},     {"fat16", 0x06},
	{"fat16-lba", 0x0e},     {"fat32", 0x0b},      {"fat32-lba", 0x0c}, {"ntfs", 0x07},
	{"lvm", 0x8e},           {"raid", 0xfd},       {"esp", 0xef},       {"da", 0xda},
	{"linux-generic", 0x83}, {"basic-data", 0x0c},
};

const char *const layout_mbr_words[] = {
	"linux", "swap", "fat12", "fat16", "fat16-lba",     "fat32",      "fat32-lba", "ntfs",
	"lvm",   "raid", "esp",   "da",    "linux-generic", "basic-data", NULL};

int layout_mbr_type(const char *type, unsigned char *ret)
{
	const char *digits = str_skip(type, "0x");
	char *end;

	for (size_t i = 0; i < array_len(mbr_types); i++) {
		if (!str_eq(type, mbr_types[i].word))
			continue;
		*ret = mbr_types[i].byte;
		return 0;
	}
	if (!digits || !isxdigit((unsigned char)*digits) || strlen(digits) > 2)
		return 1;
	*ret = (unsigned char)strtoul(digits, &end, 16);
	return *end || !*ret;
}
