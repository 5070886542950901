/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The view that the rules share: what devices get, the disk and its partitions, and the project's
 * files that come to lie on it or that it is made of. Gathered once; a rule asks nobody else.
 */
#include "check/check.h"
#include "check/conf.h"

/* One for each row of check_rules, in its order. */
enum check_id {
	CHECK_UNREACHED_NODE,
	CHECK_HOST_TOOLS,
	CHECK_NESTED_STEPS,
	CHECK_URL_WITHOUT_DIGEST,
	CHECK_UNLOCKED_PACKAGE,
	CHECK_IMAGE_FITS,
	CHECK_DATA_LAST,
	CHECK_STATE_MOUNTED,
	CHECK_STATE_NAMED,
	CHECK_GROWING_TYPE,
	CHECK_ENVIRONMENT_RESERVED,
	CHECK_FIRST_USABLE_BLOCK,
	CHECK_ENVIRONMENT_LINE,
	CHECK_ENVIRONMENT_OFFSET,
	CHECK_ENVIRONMENT_SIZE,
	CHECK_ENVIRONMENT_COPIES,
	CHECK_ENVIRONMENT_PLACE,
	CHECK_SWITCHED_REGION,
	CHECK_SLOT_DEVICE,
	CHECK_SLOT_BOOTNAME,
	CHECK_SLOT_PARTITION,
	CHECK_BOOT_ORDER,
	CHECK_BOOT_COUNTER,
	CHECK_BOOT_PROMPT,
	CHECK_GRUB_ENVIRONMENT,
	CHECK_CHOSEN_LINE,
	CHECK_KERNEL_ARGUMENTS,
	CHECK_FIRMWARE_FILES,
	CHECK_FIT_IMAGE,
	CHECK_FIT_SIGNED,
	CHECK_ONE_KERNEL,
	CHECK_KERNEL_FEATURES,
	CHECK_KERNEL_ROOM,
	CHECK_MISSING_MODULE,
	CHECK_MIN_BUNDLE_VERSION,
	CHECK_CHECK_PURPOSE,
	CHECK_SIGNING_TIME_WITHOUT_CRL,
	CHECK_BUNDLE_FORMATS,
	CHECK_ADAPTIVE_INDEX,
	CHECK_STATUS_FILE,
	CHECK_RAUC_WORDS,
	CHECK_CUSTOM_BACKEND,
	CHECK_MARK_GOOD,
	CHECK_SKIPPED_CHECK,
	CHECK_CONDITIONAL_CHECK,
	CHECK_IDLE_UNIT,
	CHECK_FAILURE_REBOOTS,
	CHECK_REPART_DISCARDS,
	CHECK_UNIT_WORDS,
	CHECK_UNIT_VALUES,
	CHECK_SSHD_KEYS,
	CHECK_OWN_IDENTITY,
	CHECK_HOST_NAME,
	CHECK_CLOCK_KEPT,
	CHECK_JOURNAL_KEPT,
	CHECK_UDEV_WORDS,
	CHECK_FSTAB_LINES,
	CHECK_MISSING_UNIT,
	CHECK_MISSING_PROGRAM,
	CHECK_SCRIPT_SYNTAX,
	CHECK_SCRIPT_VARIABLES,
	CHECK_DEVICE_AGREES,
	CHECK_TABLE_RESTORED,
	CHECK_SECOND_SLOT,
	CHECK_DEVICE_NAMES,
	CHECK_STABLE_NAMES,
	CHECK_UNFILLED_TEMPLATE,
	CHECK_PRIVATE_KEY,
	CHECK_KEYRING_INSTALLED,
	CHECK_BUNDLE_COMPATIBLE,
	CHECK_BUNDLE_CLASSES,
	CHECK_BUNDLE_ORDER,
	CHECK_SIGNER,
	CHECK_SIGNER_EXPIRES,
	CHECK_SIGNER_AGES,
	CHECK_KEYRING_OF_SIGNER,
	CHECK_REPOSITORY_VALID,
	CHECK_REVOCATION_LISTS,
	CHECK_UNTESTED_BUNDLE,
	CHECK_RELEASE_KEYS,
	CHECK_RELEASE_COMPATIBLE,
	CHECK_RELEASE_VERSION,
	CHECK_RELEASE_TOOLS,
	CHECK_RELEASE_TESTED,
	CHECK_RELEASE_DOCUMENTS,
	CHECK_TEST_COMMANDS,
	CHECK_DANGLING_LINK,
	CHECK_ROOT_COMPLETE,
	CHECK_COUNT,
};

struct check_partition {
	const char *name;
	const struct node *from; /* the node whose image it holds, or NULL */
	uint64_t start;          /* bytes; CHECK_UNKNOWN: not known before it is built */
	uint64_t size;           /* bytes, likewise */
	bool twice;              /* region: 2x */
	bool state;              /* no image: a file system of its own, or all that is left */
	bool grows;              /* SIZE is the least that it has */
	struct pos pos;
};
DEFINE_VEC(check_partitions, struct check_partition)
#define CHECK_UNKNOWN UINT64_MAX

struct check_reserved {
	const char *name;
	uint64_t at, size; /* bytes */
	struct pos pos;
};
DEFINE_VEC(check_reserveds, struct check_reserved)

/* A project file and the image or tree it will be in. */
struct check_file {
	const struct node *image; /* or the bundle whose hook it is */
	const char *path;         /* in the project: "rootfs/etc/fstab" */
	const char *target;       /* on the device: "/etc/fstab"; "hook" */
	const char *filled;       /* its text there, where it is a template; else NULL */
};
DEFINE_VEC(check_files, struct check_file)

/* A symbolic link of the project, likewise. */
struct check_link {
	const struct node *image;
	const char *path, *target;
	const char *leads_to; /* as the link has it */
};
DEFINE_VEC(check_links, struct check_link)

/* A text of the project that a step turns into something that devices get. */
struct check_text {
	const char *path;
	const char *text;
	const char *filled;        /* TEXT, where it is a filled template; else NULL */
	bool starts_kernel;        /* a boot script */
	bool kconfig;              /* a fragment of U-Boot's configuration, or of a kernel's */
	struct conf_entries lines; /* of a boot script: first word and the rest */
};
DEFINE_VEC(check_texts, struct check_text)

/* A script of GRUB's that devices get (grub.h). */
struct check_grub {
	const char *path;
	const char *root; /* the partition it is in, "hd0,gpt1" */
	struct conf_entries lines;
};
DEFINE_VEC(check_grubs, struct check_grub)

struct check_view;
/*
 * Whether IMAGE has PATH, of its trees or of the project: 1 or 0; -1 with ERR. *ret_unbuilt is a
 * tree that is not built yet, so that 0 means nothing; or NULL.
 */
typedef int check_tree_fn(const struct check_view *v, const struct node *image, const char *path,
			  const struct node **ret_unbuilt, struct err **err);

struct check_view {
	const struct graph *g;
	struct arena *arena;
	/* The disk that the checks are about (with reserved areas, if any has), or NULL. */
	const struct node *disk;
	const struct node *device; /* of kind device, for that disk; or NULL */
	/*
	 * By node index: what devices get, 0 for what they do not. The images of the disk and of
	 * bundles, what is laid into those, and the steps that made that; without a disk and a
	 * bundle, all but what is below tests/. What lies over something else has a smaller number.
	 */
	unsigned *ships;
	struct check_partitions partitions;
	struct check_reserveds reserved;
	struct check_files files;    /* what `copy:`, `template:`, `overlay:` bring, and hooks */
	struct check_links links;    /* every link that it brings, but to tests */
	struct check_texts texts;    /* of steps that ship */
	struct check_texts programs; /* "#!" files that they take; path and text alone */
	struct check_grubs grubs;
	struct conf_entries system; /* /etc/rauc/system.conf of what ships */
	struct conf_entries fw_env; /* /etc/fw_env.config, likewise */
	struct conf_entries fstab;
	struct conf_entries kconfig; /* of all fragments among TEXTS */
	/*
	 * What boot scripts and boot loaders' files tell kernels: key "bootargs", the words, where
	 * they stand.
	 */
	struct conf_entries told;
	const char *store_dir;   /* or NULL */
	check_tree_fn *tree_has; /* NULL: no rule may look into trees */
	bool noted[CHECK_COUNT]; /* by rule: it could not look at something */
	bool *used;              /* by entry of check.ignore: it covers a finding */
	int64_t now;
	struct check_report *report;
};

/*
 * Reports a breach of rule ID at POS: an error or a warning, as the rule is, or a note where
 * project.yaml ignores it.
 */
void check_say(struct check_view *v, enum check_id id, struct pos pos, const char *fmt, ...)
	printf_like(4, 5);
/* The same for a rule that could not be applied. */
void check_note(struct check_view *v, enum check_id id, struct pos pos, const char *fmt, ...)
	printf_like(4, 5);

/* ignore.c: the entry of check.ignore that covers a breach of rule ID at POS, or NULL. */
const struct ignored_rule *check_ignored(struct check_view *v, enum check_id id, struct pos pos);
/* When all rules have spoken: reports entries that cover nothing, and wrong ones. */
void check_ignored_end(struct check_view *v);

int check_view_make(struct check_view *v, struct err **err) warn_unused;
void check_view_clear(struct check_view *v);
/*
 * Whether a node is below tests/: such are asked for by name, and what they contain is often wrong
 * on purpose, so that only the rules on the graph look at them; but not one that devices get all
 * the same, as a part of a bundle or disk that is not below tests/.
 */
bool check_is_test(const struct check_view *v, const struct node *n);
/* Whether it is below tests/, whoever gets it. */
bool check_below_tests(const struct node *n);
/* The project file that is at TARGET ("/etc/fstab") of what ships, or NULL. */
const struct check_file *check_target_file(const struct check_view *v, const char *target);
struct content;
/* Whether C, an entry of 'contents:', brings a single file to TARGET. */
bool check_brings(const struct content *c, const char *target);
/* Whether a file of the project, or an output of a node, comes to lie exactly there. */
bool check_target_has(const struct check_view *v, const char *target);
/* The bytes that a node of kind image has, as its recipe says; 0: not said, or another kind. */
uint64_t check_image_size(const struct node *n);
/* The option KEY of a node, a list of TYPE; an empty one when its kind has no such option. */
const struct list *check_list(const struct node *n, const char *key, enum option_type type);
/* The node that a reference of a recipe means, or NULL: it is a path of the project. */
const struct node *check_node_of(const struct check_view *v, const struct ref *ref);

/* Whether devices get what N makes. */
bool check_ships(const struct check_view *v, const struct node *n);
/* The fact NAME of node N, in the arena; NULL: not known before it is built. */
const char *check_fact(const struct check_view *v, const struct node *n, const char *name);
/* The whole of a project file of at most MAX bytes that is a text; NULL: none, or larger. */
const char *check_text_of(const struct check_view *v, const char *path, size_t max);
/* The project file that is the keyring of devices, or NULL: it cannot be seen. */
const char *check_keyring(const struct check_view *v);
/*
 * rules_links.c: adds all trees that IMAGE is made of to T, which is empty, and takes away what
 * IMAGE removes; *ret_unbuilt is one that is not built yet, or NULL.
 */
struct tree;
int check_read_trees(const struct check_view *v, const struct node *image, struct tree *t,
		     const struct node **ret_unbuilt, struct err **err) warn_unused;
check_tree_fn check_tree_has;
/*
 * writes.c: whether node N itself puts something to PATH, a file or directory, besides the files of
 * the project, which check_is_made() knows, and the trees of check_read_trees().
 */
enum check_writes { CHECK_WRITES_NOTHING, CHECK_MAY_WRITE, CHECK_WRITES };
enum check_writes check_writes(const struct check_view *v, const struct node *n, const char *path);
/* Whether the directory PLACE is PATH, or above it. */
bool check_is_above(const char *place, const char *path);
/* files.c: whether the project itself brings PATH, or something below it, to IMAGE. */
bool check_is_made(const struct check_view *v, const struct node *image, const char *path);
/* rules_kernel.c: the image in the first slot that is booted, or NULL. */
struct node *check_root_image(const struct check_view *v);
/* The partition of the slot whose boot name line E of v->system says; NULL: no such line. */
const struct check_partition *check_slot_partition(const struct check_view *v,
						   const struct conf_entry *e);
/*
 * rules_kernel.c: goes from IMAGE to what it is made of until a tree with a kernel is met, which is
 * built and in the store. *RET, which the caller frees, stays NULL when there is none; *ret_unbuilt
 * is then the nearest node that may have it but is not built, or NULL.
 */
int check_find_kernel(const struct check_view *v, struct node *image, struct tree **ret,
		      const struct node **ret_from, const struct node **ret_unbuilt,
		      struct err **err) warn_unused;
/* The part of VALUE that names a disk in a way that does not last, or NULL. */
const char *check_unstable_name(const char *value);
/* rules_grub.c: GRUBS of the view, and what they tell kernels, once it has all else. */
int check_grub_gather(struct check_view *v, struct err **err) warn_unused;
/* arguments.c: TOLD of the view, once it has its texts. */
void check_arguments_gather(struct check_view *v);
/* boot_files.c: adds to TOLD what files tell, where no script among texts and GRUBS does. */
int check_boot_files_gather(struct check_view *v, struct err **err) warn_unused;
/* Whether the kernel's ARGUMENTS have WORD: "panic=", "panic=5", or "gpt", with a value or not. */
bool check_has_argument(const char *arguments, const char *word);
/* files.c: FILES, LINKS and TEXTS of the view, once it knows what ships. */
int check_files_gather(struct check_view *v, struct err **err) warn_unused;
/* rules_words.c: whether LIST, words with a space before and after each, has the N bytes WORD. */
bool check_word_in(const char *list, const char *word, size_t n);
/* The word of such a list that is most like TEXT, in the arena; or NULL: none is. */
const char *check_word_near(const struct check_view *v, const char *list, const char *text);
/* Whether F is a unit of systemd, or a drop-in of one. */
bool check_is_unit(const struct check_file *f);
/* Whether F is a configuration of systemd's own programs, of its networks, or of sshd. */
bool check_is_config(const struct check_file *f);
bool check_is_sshd_config(const struct check_file *f);
/* rules_values.c: whether TEXT is a span of time (systemd.time(7)), and its seconds. */
bool check_span(const char *text, double *ret);
/* Whether TEXT is a size as systemd reads them, "32M", "1.5G", "1G 500M", and its bytes. */
bool check_bytes(const char *text, double *ret);
/* rules_units.c: what `units:` of N says, or NULL. */
struct units;
const struct units *check_units_of(const struct node *n);
/* Whether a line KEY= of a unit names UNIT. */
bool check_names_unit(const struct conf_entries *e, const char *key, const char *unit);
/* Whether something starts the unit; *ret_off (may be NULL) is the node that forbids it. */
bool check_is_started(struct check_view *v, const char *name, const struct node **ret_off);
/*
 * Whether unit NAME can be started by nobody: by `units: mask`, or by a link to /dev/null;
 * *ret_pos is where that is said.
 */
bool check_is_masked(const struct check_view *v, const char *name, struct pos *ret_pos);
/* The link of the project that puts another unit in the place of NAME, or masks it; or NULL. */
const struct check_link *check_unit_link(const struct check_view *v, const char *name);
/* rules_units.c: the file of the project's unit NAME, or NULL. */
const struct check_file *check_unit_file(const struct check_view *v, const char *name);
/*
 * rules_units.c: what the project's unit NAME says, with its drop-ins after it. 1: the project has
 * no such unit.
 */
int check_read_unit(struct check_view *v, const char *name, struct conf_entries *ret,
		    struct err **err) warn_unused;
/* drop_ins.c: adds what the drop-ins of unit NAME say, whoever brings the unit. */
int check_read_drop_ins(struct check_view *v, const char *name, struct conf_entries *ret,
			struct err **err) warn_unused;
/* What conditions make of a unit (systemd.unit(5)): skipped, it counts as started. */
struct check_skip {
	const struct conf_entry *never;   /* the line for which it is always skipped, or NULL */
	const char *why;                  /* of NEVER: "the kernel is told no 'x' (file:1)" */
	const struct conf_entry *perhaps; /* else a line of which that depends, or NULL */
};
/* rules_condition.c: the same for UNIT, whose file is F. */
int check_skipped(struct check_view *v, const struct check_file *f, const struct conf_entries *unit,
		  struct check_skip *ret, struct err **err) warn_unused;
/* rules_restart.c: whether UNIT reboots where KEY, an action of [Unit], is taken. */
bool check_unit_reboots(const struct conf_entries *unit, const char *key);
/* Whether the job that starts UNIT has a time after which it fails. */
bool check_job_ends(const struct conf_entries *unit);
/* rules_fstab.c: the line of a boot script that has the root mounted read-only, or NULL. */
const struct conf_entry *check_read_only_root(const struct check_view *v);
/*
 * Whether the running system can make PATH: the root is not read-only, a line of fstab mounts what
 * is above it, or it lies where systemd mounts memory.
 */
bool check_is_writable(const struct check_view *v, const char *path);
/* Whether a file that ships, but for OTHER_THAN (may be NULL), has PATH as a whole word. */
bool check_names_path(const struct check_view *v, const char *path,
		      const struct check_file *other_than);
/* files.c: whether `remove:` of NODE takes what is at TARGET away, or a directory above it. */
bool check_removes(const struct node *node, const char *target);
/* Whether line E of a boot script starts a kernel. */
bool check_starts_kernel(const struct conf_entry *e);

typedef int check_fn(struct check_view *v, struct err **err);
check_fn check_graph_rules, check_disk_rules, check_boot_rules, check_target_rules,
	check_environment_rules, check_bundle_rules, check_device_rules, check_name_rules,
	check_unit_rules, check_sign_rules, check_script_rules, check_rauc_rules, check_root_rules,
	check_kernel_rules, check_test_rules, check_link_rules, check_fit_rules, check_word_rules,
	check_unit_name_rules, check_program_rules, check_state_rules, check_value_rules,
	check_udev_rules, check_fstab_rules, check_module_rules, check_exec_rules,
	check_firmware_rules, check_ssh_rules, check_identity_rules, check_kept_rules,
	check_restart_rules, check_health_rules, check_grub_rules, check_grub_module_rules,
	check_emergency_rules, check_release_rules;
