/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config.txt of a Raspberry Pi's firmware: the image it lies in has the files that it names, and
 * what the firmware itself is. What the firmware does not know it passes over without a word.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/tree/content.h"

/* Keys whose first word is a file in the same image; between spaces. */
static const char file_keys[] =
	" kernel device_tree armstub ramfsfile initramfs start_file fixup_file ";

/* Of the firmware's manual, "config.txt"; those that decide what is started first. */
static const char keys[] =
	" kernel device_tree armstub ramfsfile initramfs start_file fixup_file "
	"arm_64bit upstream_kernel enable_uart uart_2ndstage kernel_address "
	"device_tree_address device_tree_end ramfsaddr cmdline os_prefix "
	"overlay_prefix dtoverlay dtparam include start_x start_debug auto_initramfs "
	"boot_delay boot_ramdisk disable_commandline_tags disable_splash "
	"disable_overscan os_check total_mem gpu_mem gpu_mem_256 gpu_mem_512 "
	"gpu_mem_1024 arm_freq arm_boost over_voltage force_turbo initial_turbo "
	"temp_limit core_freq gpu_freq sdram_freq hdmi_force_hotplug hdmi_group "
	"hdmi_mode hdmi_drive hdmi_safe hdmi_ignore_hotplug hdmi_blanking "
	"camera_auto_detect display_auto_detect max_framebuffers max_usb_current "
	"enable_gic gpio enable_jtag_gpio avoid_warnings init_uart_baud "
	"init_uart_clock pciex4_reset usb_max_current_enable disable_fw_kms_setup "
	"disable_poe_fan dtdebug disable_camera_led ";

/* Whether C may bring TARGET: it does, or what it brings is not known here. */
static bool may_bring(const struct content *c, const char *target)
{
	return check_brings(c, target) || c->unpack ||
	       (c->copy && c->copy->inside && str_ends(c->copy->inside, "/"));
}

/* Whether IMAGE may have TARGET, "/u-boot.bin". */
static bool may_have(const struct check_view *v, const struct node *image, const char *target)
{
	const struct list *contents = check_list(image, "contents", OPT_STRUCT);

	for (size_t i = 0; i < v->files.count; i++)
		if (v->files.items[i].image == image && str_eq(v->files.items[i].target, target))
			return true;
	for (size_t i = 0; i < contents->count; i++)
		if (may_bring(LIST_AT(*contents, struct content *, i), target))
			return true;
	return false;
}

static void line_holds(struct check_view *v, const struct check_file *f, const struct conf_entry *e)
{
	char *file cleanup_free = xasprintf("/%.*s", (int)strcspn(e->value, " \t"), e->value);
	const char *near = check_word_in(keys, e->key, strlen(e->key))
				   ? NULL
				   : check_word_near(v, keys, e->key);

	if (near)
		check_say(v, CHECK_FIRMWARE_FILES, e->pos,
			  "the firmware does not know '%s' and passes over it: did you mean '%s'?",
			  e->key, near);
	else if (check_word_in(file_keys, e->key, strlen(e->key)) && file[1] &&
		 !may_have(v, f->image, file))
		check_say(v, CHECK_FIRMWARE_FILES, e->pos,
			  "image '%s' has no '%s', so the firmware would start nothing: copy it "
			  "there, or name what is there",
			  f->image->name, file);
}

/* Up to the Raspberry Pi 4 the firmware is in the image; a later one has its device tree there. */
static void firmware_is_there(struct check_view *v, const struct check_file *f)
{
	static const char *const names[] = {"/start4.elf", "/start.elf", "/start4cd.elf",
					    "/start_cd.elf", "/bcm2712-rpi-5-b.dtb"};

	for (size_t i = 0; i < array_len(names); i++)
		if (may_have(v, f->image, names[i]))
			return;
	check_say(v, CHECK_FIRMWARE_FILES, recipe_pos(f->image->recipe, "contents"),
		  "image '%s' has %s (%s) and no firmware that would read it: copy start4.elf and "
		  "fixup4.dat there, or those of your board",
		  f->image->name, f->target, f->path);
}

int check_firmware_rules(struct check_view *v, struct err **err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries conf = {0};
		bool named = false;

		if (!check_ships(v, f->image) || !str_eq(f->target, "/config.txt"))
			continue;
		rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &conf, err);
		for (size_t k = 0; rc == 0 && k < conf.count; k++) {
			named |= str_eq(conf.items[k].key, "start_file");
			line_holds(v, f, &conf.items[k]);
		}
		if (rc == 0 && !named)
			firmware_is_there(v, f);
		conf_entries_clear(&conf);
	}
	return rc < 0 ? -1 : 0;
}
