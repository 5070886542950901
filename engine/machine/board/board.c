/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/board.h"

#include <jansson.h>

#include "base/file.h"
#include "machine/board/rauc_board.h"
#include "machine/guest/qemu.h"

#define BOARD_VERSION 1

const char *const board_loads[] = {"bios", "kernel", NULL};
const char *const board_cards[] = {"sdhci-pci", "builtin", "virtio", "nvme", NULL};
const char *const board_networks[] = {"virtio", "usb", "none", NULL};
const char *const board_watchdogs[] = {"i6300esb", "builtin", "none", NULL};
const char *const board_agents[] = {"virtio", "none", NULL};

bool board_has_write_cache(const struct board *b)
{
	return b->card == BOARD_VIRTIO || b->card == BOARD_NVME;
}

void board_clear(struct board *b)
{
	free(b->machine);
	free(b->arch);
	free(b->cpu);
	free(b->qemu);
	free(b->prepare);
	free(b->name);
	*b = (struct board){0};
}

int board_scale_parse(const char *text, unsigned *ret_permille)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	unsigned n = 0;

	if (!whole || whole > 4)
		return 1;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (unsigned)(text[i] - '0');
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		if (!part || part > 3)
			return 1;
		whole++;
	}
	if (text[whole + part])
		return 1;
	for (size_t i = 0; i < 3; i++)
		n = n * 10 + (i < part ? (unsigned)(text[whole + i] - '0') : 0);
	if (n < 1 || n > 1000 * 1000)
		return 1;
	*ret_permille = n;
	return 0;
}

unsigned board_seconds(const struct board *b, unsigned seconds)
{
	return (unsigned)(((uint64_t)seconds * b->time_permille + 999) / 1000);
}

void board_print(const struct board *b, struct str *ret)
{
	json_t *root = json_object();
	char *text cleanup_free = NULL;

	json_object_set_new(root, "v", json_integer(BOARD_VERSION));
	json_object_set_new(root, "machine", json_string(b->machine));
	json_object_set_new(root, "arch", json_string(b->arch));
	if (b->cpu)
		json_object_set_new(root, "cpu", json_string(b->cpu));
	json_object_set_new(root, "qemu", json_string(b->qemu ? b->qemu : ""));
	if (b->prepare)
		json_object_set_new(root, "prepare", json_string(b->prepare));
	if (b->name)
		json_object_set_new(root, "name", json_string(b->name));
	if (b->skip_unseen)
		json_object_set_new(root, "skip_unseen", json_true());
	json_object_set_new(root, "cpus", json_integer(b->cpus));
	json_object_set_new(root, "memory_mb", json_integer(b->memory_mb));
	json_object_set_new(root, "serial", json_integer(b->serial));
	json_object_set_new(root, "load", json_string(board_loads[b->load]));
	json_object_set_new(root, "card", json_string(board_cards[b->card]));
	json_object_set_new(root, "network", json_string(board_networks[b->network]));
	json_object_set_new(root, "watchdog", json_string(board_watchdogs[b->watchdog]));
	json_object_set_new(root, "agent", json_string(board_agents[b->agent]));
	json_object_set_new(root, "time_permille", json_integer(b->time_permille));
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (!text)
		abort();
	str_append(ret, text);
	str_append_char(ret, '\n');
}

static int read_text(const json_t *root, const char *key, bool optional, char **ret)
{
	const char *text = json_string_value(json_object_get(root, key));

	*ret = text ? xstrdup(text) : NULL;
	return text || optional ? 0 : 1;
}

static int read_number(const json_t *root, const char *key, unsigned *ret)
{
	const json_t *value = json_object_get(root, key);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > 1 << 30)
		return 1;
	*ret = (unsigned)n;
	return 0;
}

static int read_word(const json_t *root, const char *key, const char *const *words, int *ret)
{
	const char *text = json_string_value(json_object_get(root, key));

	for (int i = 0; text && words[i]; i++) {
		if (str_eq(words[i], text)) {
			*ret = i;
			return 0;
		}
	}
	return 1;
}

static int read_board(const json_t *root, struct board *b)
{
	unsigned version;
	int load, card, network, watchdog, agent;

	if (read_number(root, "v", &version) || version != BOARD_VERSION ||
	    read_text(root, "machine", false, &b->machine) ||
	    read_text(root, "arch", false, &b->arch) || read_text(root, "cpu", true, &b->cpu) ||
	    read_text(root, "qemu", false, &b->qemu) ||
	    read_text(root, "prepare", true, &b->prepare) ||
	    read_text(root, "name", true, &b->name) || read_number(root, "cpus", &b->cpus) ||
	    read_number(root, "memory_mb", &b->memory_mb) ||
	    read_number(root, "serial", &b->serial) ||
	    read_number(root, "time_permille", &b->time_permille) ||
	    read_word(root, "load", board_loads, &load) ||
	    read_word(root, "card", board_cards, &card) ||
	    read_word(root, "network", board_networks, &network) ||
	    read_word(root, "watchdog", board_watchdogs, &watchdog) ||
	    read_word(root, "agent", board_agents, &agent) || !qemu_program(b->arch))
		return 1;
	b->load = (enum board_load)load;
	b->card = (enum board_card)card;
	b->network = (enum board_network)network;
	b->watchdog = (enum board_watchdog)watchdog;
	b->agent = (enum board_agent)agent;
	b->skip_unseen = json_is_true(json_object_get(root, "skip_unseen"));
	return 0;
}

int board_parse(const char *text, const char *name, struct board *ret, struct err **err)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);
	struct board b = {0};
	int rc;

	if (!root)
		return err_set(err, E_BOARD_DESCRIPTION, "'%s' is not a description of a board: %s",
			       name, where.text);
	rc = read_board(root, &b);
	json_decref(root);
	if (rc) {
		board_clear(&b);
		return err_set(err, E_BOARD_DESCRIPTION,
			       "'%s' is not a description of a board that this orch knows", name);
	}
	*ret = b;
	return 0;
}

int board_read(const char *path, struct board *ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (file_read(path, 64 * 1024, &text, err) < 0)
		return -1;
	return board_parse(text.buf, path, ret, err);
}

/* QEMU reads a comma as the next option: one in a value is doubled. */
static void append_escaped(struct str *s, const char *value)
{
	for (; *value; value++) {
		if (*value == ',')
			str_append_char(s, ',');
		str_append_char(s, *value);
	}
}

static void push(struct strv *argv, const char *option, const char *value)
{
	strv_push(argv, option);
	strv_push(argv, value);
}

static void push_drive(struct strv *argv, const char *options, const char *key, const char *path)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%s,%s=", options, key);
	append_escaped(&s, path);
	push(argv, "-drive", s.buf);
}

static void push_card(struct strv *argv, const struct board *b, const struct board_power *p)
{
	const char *bus = b->card == BOARD_BUILTIN ? "if=sd" : "if=none,id=card0";
	struct str s cleanup_str = STR_INIT;

	str_append(&s, bus);
	if (p->record) {
		str_append(&s,
			   ",driver=blklogwrites,log-sector-size=512,log-super-update-interval=1,"
			   "log.driver=file,log.filename=");
		append_escaped(&s, p->record);
		/* Flushes get as far as the log, and no further. */
		str_append(&s, ",log.cache.no-flush=on,file.driver=file,file.cache.no-flush=on");
		push_drive(argv, s.buf, "file.filename", p->card);
	} else {
		str_append(&s, ",format=raw,cache=unsafe,discard=unmap");
		str_append(&s, p->snapshot ? ",snapshot=on" : "");
		push_drive(argv, s.buf, "file", p->card);
	}
	if (b->card == BOARD_SDHCI_PCI) {
		push(argv, "-device", "sdhci-pci");
		push(argv, "-device", "sd-card,drive=card0");
	}
	if (b->card == BOARD_VIRTIO)
		push(argv, "-device", "virtio-blk-pci,drive=card0");
	if (b->card == BOARD_NVME)
		push(argv, "-device", "nvme,drive=card0,serial=orch-card");
}

static void push_media(struct strv *argv, const struct board_power *p)
{
	if (!p->media)
		return;
	push_drive(argv, "if=none,id=media0,format=raw,readonly=on", "file", p->media);
	push(argv, "-device", "virtio-blk-pci,drive=media0,serial=" BOARD_MEDIA_SERIAL);
}

static void push_stick(struct strv *argv, const struct board_power *p)
{
	if (!p->stick)
		return;
	push_drive(argv, "if=none,id=stick0,format=raw,readonly=on", "file", p->stick);
	push(argv, "-device", "qemu-xhci,id=usb0");
	push(argv, "-device", "usb-storage,bus=usb0.0,drive=stick0,removable=on");
}

static void push_network(struct strv *argv, const struct board *b, const struct board_power *p)
{
	if (b->network == BOARD_NET_NONE) {
		push(argv, "-nic", "none");
		return;
	}
	/* An address by DHCP, and nobody behind it but the board's server. */
	push(argv, "-netdev",
	     p->web ? "user,id=" BOARD_NIC ",ipv6=off" : "user,id=" BOARD_NIC ",restrict=on");
	push(argv, "-device",
	     b->network == BOARD_NET_USB ? "usb-net,id=nic0,netdev=" BOARD_NIC
					 : "virtio-net-pci,id=nic0,romfile=,netdev=" BOARD_NIC);
}

static void push_file(struct strv *argv, const char *name, const char *path)
{
	struct str s cleanup_str = STR_INIT;

	if (!path)
		return;
	str_printf(&s, "name=%s,file=", name);
	append_escaped(&s, path);
	push(argv, "-fw_cfg", s.buf);
}

/* Names in fw_cfg have 55 bytes at most: hence units of few letters. */
static void push_agent(struct strv *argv, const struct board *b, const struct board_power *p)
{
	if (b->agent == BOARD_AGENT_NONE || p->agent_fd <= 0)
		return;
	strv_push(argv, "-chardev");
	strv_printf(argv, "socket,id=agent,fd=%d", p->agent_fd);
	push(argv, "-device", "virtio-serial-pci");
	push(argv, "-device", "virtserialport,chardev=agent,name=" BOARD_AGENT_PORT);
	push_file(argv, "opt/io.systemd.credentials/systemd.extra-unit.o.service", p->agent_unit);
	push_file(argv, "opt/io.systemd.credentials/systemd.unit-dropin.-.slice", p->agent_drop_in);
	push_file(argv, BOARD_AGENT_FILE, p->agent_script);
}

static void push_console(struct strv *argv, const struct board *b, const struct board_power *p)
{
	strv_push(argv, "-chardev");
	if (p->console)
		strv_push(argv, p->console);
	else
		strv_push(argv, "stdio,id=console,signal=off");
	for (unsigned i = 0; i < b->serial; i++)
		push(argv, "-serial", "null");
	push(argv, "-serial", "chardev:console");
}

/* Firmware and its variables as flash memory, where the board's reset looks. */
static void push_flash(struct strv *argv, const struct board_power *p)
{
	push_drive(argv, "if=pflash,unit=0,format=raw,readonly=on", "file", p->firmware);
	push_drive(argv,
		   p->snapshot ? "if=pflash,unit=1,format=raw,snapshot=on"
			       : "if=pflash,unit=1,format=raw",
		   "file", p->variables);
}

/* No boot loader could start it again: what ends, panics included, is off. */
static void push_kernel(struct strv *argv, const struct board_power *p)
{
	push(argv, "-kernel", p->firmware);
	push(argv, "-initrd", p->initramfs);
	push(argv, "-append", p->cmdline);
	strv_push(argv, "-no-reboot");
}

static void push_firmware(struct strv *argv, const struct board *b, const struct board_power *p)
{
	if (p->variables) {
		push_flash(argv, p);
		return;
	}
	if (board_is_rauc(b)) {
		push_kernel(argv, p);
		return;
	}
	push(argv, b->load == BOARD_KERNEL ? "-kernel" : "-bios", p->firmware);
	if (p->device_tree)
		push(argv, "-dtb", p->device_tree);
}

/*
 * QEMU loads a kernel as a Pi's firmware does, with the other processors in a loop around WFE until
 * Linux takes them. With a thread for each they spin and take the time of the one that works; in
 * one thread WFE hands the turn on.
 */
static void push_accel(struct strv *argv, const struct board *b)
{
	strv_push(argv, "-accel");
	strv_printf(argv, "tcg,thread=%s,tb-size=%d", b->load == BOARD_KERNEL ? "single" : "multi",
		    BOARD_TB_MB);
}

void board_show(const struct board *b, const struct board_power *p, struct confined *ret)
{
	const char *const read[] = {p->firmware,   p->device_tree,   p->initramfs,    p->media,
				    p->agent_unit, p->agent_drop_in, p->agent_script, p->stick};
	void (*show)(struct confined * ret, const char *path);

	qemu_show(p->qemu, qemu_program(b->arch), ret);
	for (size_t i = 0; i < array_len(read); i++)
		confined_read(ret, read[i]);
	show = p->snapshot ? confined_read : confined_write;
	show(ret, p->card);
	show(ret, p->variables);
	confined_write(ret, p->record);
}

void board_argv(const struct board *b, const struct board_power *p, struct strv *ret)
{
	qemu_push(p->qemu, qemu_program(b->arch), ret);
	push(ret, "-machine", board_is_rauc(b) ? qemu_usual_machine(b->arch) : b->machine);
	push_accel(ret, b);
	if (b->cpu)
		push(ret, "-cpu", b->cpu);
	strv_push(ret, "-smp");
	strv_printf(ret, "%u", b->cpus);
	strv_push(ret, "-m");
	strv_printf(ret, "%u", b->memory_mb);
	strv_push(ret, "-nodefaults");
	strv_push(ret, "-no-user-config");
	push(ret, "-display", "none");
	push(ret, "-monitor", "none");
	push_console(ret, b, p);
	push_firmware(ret, b, p);
	push_card(ret, b, p);
	push_media(ret, p);
	push_stick(ret, p);
	push_network(ret, b, p);
	if (b->watchdog == BOARD_DOG_I6300ESB)
		push(ret, "-device", "i6300esb");
	if (b->watchdog != BOARD_DOG_NONE)
		push(ret, "-action", "watchdog=reset");
	push_agent(ret, b, p);
	if (p->qmp_fd > 0) {
		strv_push(ret, "-chardev");
		strv_printf(ret, "socket,id=qmp,fd=%d", p->qmp_fd);
		push(ret, "-mon", "chardev=qmp,mode=control");
	}
	if (p->clock) {
		strv_push(ret, "-rtc");
		strv_printf(ret, "base=%s", p->clock);
	}
	if (p->paused)
		strv_push(ret, "-S");
}
