/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * An emulated board as data: what a node of kind `board` says, as canonical JSON and as the
 * arguments of QEMU. Pure; starting one is machine/board/scene.h's or the caller's business.
 *
 *	struct board b = {0};
 *	board_read("out/boards/virt/board.json", &b, err);
 *	struct board_power p = {.firmware = ".../firmware.bin", .card = "card.img", ...};
 *	board_argv(&b, &p, &argv);          // qemu-system-aarch64 -M virt ...
 *	board_clear(&b);
 *
 * The card is a raw file whose size is a power of two; it is written to.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "machine/sandbox/confined.h"

enum board_load {
	BOARD_BIOS,   /* the firmware is the first code that runs (-bios) */
	BOARD_KERNEL, /* it is handed a device tree as the Pi's firmware does (-kernel, -dtb) */
};
enum board_card {
	BOARD_SDHCI_PCI, /* a controller of its own on the PCI bus */
	BOARD_BUILTIN,   /* the board's own slot */
	BOARD_VIRTIO,    /* no card: a disk with a write cache, /dev/vda */
	BOARD_NVME,      /* likewise, /dev/nvme0n1 */
};
enum board_network { BOARD_NET_VIRTIO, BOARD_NET_USB, BOARD_NET_NONE };
enum board_watchdog { BOARD_DOG_I6300ESB, BOARD_DOG_BUILTIN, BOARD_DOG_NONE };
enum board_agent {
	BOARD_AGENT_VIRTIO, /* commands can be run in the guest (machine/board/agent.h) */
	BOARD_AGENT_NONE,   /* there is only the console */
};
/* The words of the enums above, ended by NULL. */
extern const char *const board_loads[];
extern const char *const board_cards[];
extern const char *const board_networks[];
extern const char *const board_watchdogs[];
extern const char *const board_agents[];

struct board {
	char *machine;    /* QEMU's name: "virt"; or RAUC_BOARD, REMOTE_BOARD */
	char *arch;       /* "arm64" */
	char *cpu;        /* NULL: the machine's own */
	char *qemu;       /* QEMU's version when the board was described; "" unknown */
	char *prepare;    /* of a RAUC_BOARD: a script before rauc starts, or NULL */
	char *name;       /* of a REMOTE_BOARD (remote_board.h); else NULL */
	bool skip_unseen; /* likewise: what cannot be looked at there is left out */
	unsigned cpus, memory_mb;
	unsigned serial; /* which UART is the console, from 0 */
	enum board_load load;
	enum board_card card;
	enum board_network network;
	enum board_watchdog watchdog;
	enum board_agent agent;
	unsigned time_permille; /* deadlines are multiplied with this / 1000 */
};

/* Whether its card is a disk that keeps writes in a cache until it is told to flush it. */
bool board_has_write_cache(const struct board *b);

/* Reads board.json; it was written by orch, so what is wrong with it is ERR_INTEGRITY. */
int board_parse(const char *text, const char *name, struct board *ret,
		struct err **err) warn_unused;
int board_read(const char *path, struct board *ret, struct err **err) warn_unused;
/* Appends the JSON: equal boards give equal text. */
void board_print(const struct board *b, struct str *ret);
void board_clear(struct board *b);
#define cleanup_board __attribute__((cleanup(board_clear)))
/* "1.5" as 1500; 0, or 1 when TEXT is not a number from 0.001 to 1000 with up to three decimals. */
int board_scale_parse(const char *text, unsigned *ret_permille);
/* SECONDS times the board's scale, rounded up. */
unsigned board_seconds(const struct board *b, unsigned seconds);

/* Files for the system of a REMOTE_BOARD, which get to /run/orch/media there. */
struct carried {
	const char *path, *name; /* here, and there: "NODE/FILE" */
};
struct board_files_carried {
	const struct carried *items;
	size_t count;
	uint64_t size; /* bytes, of all */
};

/* What one power-on takes. Descriptors are passed under their numbers (proc_opts.pass). */
struct board_power {
	const struct strv *qemu;            /* how QEMU is started; NULL: this machine's */
	const char *firmware, *device_tree; /* device_tree: NULL for none */
	const char *initramfs, *cmdline;    /* of a RAUC_BOARD, whose kernel is its firmware */
	const char *program;                /* likewise: text before the agent's, or NULL */
	const char *variables; /* the firmware's variable store, flash that it writes; or NULL */
	const char *card;
	bool snapshot;      /* card and variables stay as they are: writes are lost */
	const char *record; /* file for QEMU's blklogwrites of the card, or NULL */
	const char *media;  /* read-only disk with serial number BOARD_MEDIA_SERIAL, or NULL */
	const char *stick;  /* image of a USB stick that is in, or NULL; nobody writes to it */
	const struct board_files_carried *carry; /* of a REMOTE_BOARD, for media; or NULL */
	const char *clock;   /* "1970-01-01T00:00:00" at power-on, or NULL: the present */
	const char *console; /* chardev of the console; NULL: "stdio,signal=off" */
	const char *agent_unit, *agent_drop_in, *agent_script; /* files, or NULL */
	int agent_fd, qmp_fd;                                  /* sockets; 0: none */
	bool paused;                                           /* waits for QMP's "cont" */
	bool web; /* its network leads to the loopback of QEMU's own, which has nothing else */
};
#define BOARD_WEB "http://10.0.2.2" /* there, of port 80; guests get no other answer */
#define BOARD_WEB_PORT 80
#define BOARD_TB_MB 512 /* QEMU's room for translated code */
#define BOARD_MEDIA_SERIAL "orch-media"
#define BOARD_AGENT_PORT "org.orch.agent"
#define BOARD_AGENT_FILE "opt/org.orch/agent" /* its program, in the firmware's configuration */
#define BOARD_NIC "net0"

/* Appends the whole command. A power without agent files and descriptors is fine. */
void board_argv(const struct board *b, const struct board_power *p, struct strv *ret);
/* Shows a confined QEMU the files of this power-on. */
void board_show(const struct board *b, const struct board_power *p, struct confined *ret);
