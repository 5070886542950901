/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edge-app: stands for the program this device is made for. It says which version runs on which
 * slot, and succeeds if it can keep data; else it fails, and the slot is not marked good.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* The value of NAME= on the kernel's command line, or "-". */
static void cmdline_value(const char *name, char *ret_value, size_t size)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	snprintf(ret_value, size, "-");
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, name, strlen(name)) && word[strlen(name)] == '=')
			snprintf(ret_value, size, "%s", word + strlen(name) + 1);
}

int main(void)
{
	struct statvfs data;
	char slot[16];

	cmdline_value("rauc.slot", slot, sizeof(slot));
	if (statvfs("/data", &data) < 0 || data.f_flag & ST_RDONLY) {
		fprintf(stderr, "edge-app %s: slot %s: /data is not writable\n", VERSION, slot);
		return 1;
	}
	printf("edge-app %s: slot %s: up\n", VERSION, slot);
	return 0;
}
