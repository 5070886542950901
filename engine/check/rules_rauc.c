/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What RAUC is told: what it accepts, and where it keeps its state. */
#include "check/view.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/kinds.h"
#include "media/deb/deb.h"

#define MAX_BACKEND_BYTES (256 * 1024)

/* Of rauc(1), 'System Configuration File', and the manual of 1.15; between spaces. */
static const char sections[] =
	" system keyring casync streaming encryption autoinstall handlers polling slot artifacts "
	"log ";
static const char keys[] =
	" activate-installed allow-mounted allow-partial-chain allowed-signer-cns "
	"barebox-dtbpath barebox-statename boot-attempts boot-attempts-primary bootloader "
	"bootloader-custom-backend bootname bundle-formats candidate-criteria cert check-crl "
	"check-purpose compatible data-directory description device directory efi-use-bootnext "
	"events extra-mkfs-opts extra-mount-opts filename force-install-same format grubenv "
	"ignore-checksum inhibit-files install-args install-criteria install-same interval-sec key "
	"max-bundle-download-size max-bundle-signature-size max-files max-interval-sec max-size "
	"min-bundle-version mountprefix parent path perform-pre-check post-install pre-install "
	"prevent-late-fallback readonly reboot-cmd reboot-criteria region-size region-start resize "
	"sandbox-user send-headers size-limit source statusfile storepath system-info tls-ca "
	"tls-cert tls-key tls-no-verify tmppath type use-bundle-signing-time use-desync "
	"variant-dtb variant-file variant-name ";
static const char number_keys[] =
	" boot-attempts boot-attempts-primary max-bundle-download-size max-bundle-signature-size "
	"max-files interval-sec max-interval-sec ";

/* With a word or number that it cannot read RAUC does not start, and no slot is marked good. */
static void words_are_read(struct check_view *v, const struct conf_entry *e)
{
	size_t section = strcspn(e->section, ".");
	bool known = check_word_in(sections, e->section, section);
	const char *word = known ? e->key : arena_strndup(v->arena, e->section, section);
	const char *list = known ? keys : sections;
	const char *near =
		check_word_in(list, word, strlen(word)) ? NULL : check_word_near(v, list, word);

	if (near)
		check_say(v, CHECK_RAUC_WORDS, e->pos,
			  "RAUC knows no %s '%s', and would not start: did you mean '%s'?",
			  known ? "key" : "section", word, near);
	else if (check_word_in(number_keys, e->key, strlen(e->key)) && !conf_waits(e) &&
		 (!*e->value || e->value[strspn(e->value, "0123456789")]))
		check_say(v, CHECK_RAUC_WORDS, e->pos,
			  "RAUC reads '%s' as a number without a unit, and would not start with "
			  "'%s'",
			  e->key, e->value);
}

/* Says that KEY of SECTION is missing or wrong; the position is its own, else the file's. */
static void wants(struct check_view *v, enum check_id id, const struct conf_entry *have,
		  const char *section, const char *line, const char *why)
{
	struct pos pos = have ? have->pos : (struct pos){v->system.items[0].pos.file, 1, 1};

	check_say(v, id, pos, "%s: say '%s' in [%s]", why, line, section);
}

static void old_bundles_are_refused(struct check_view *v)
{
	const struct conf_entry *least = conf_find(&v->system, "system", "min-bundle-version");

	if (!least) {
		wants(v, CHECK_MIN_BUNDLE_VERSION, NULL, "system", "min-bundle-version=VERSION",
		      "an old bundle with known holes would be installed");
		return;
	}
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct bundle_opts *o = n->recipe->opts;
		struct pos pos = recipe_pos(n->recipe, "version");

		if (check_is_test(v, n) || n->recipe->kind != &kind_bundle)
			continue;
		if (recipe_waits(n->recipe, &o->version) || conf_waits(least))
			check_note(v, CHECK_MIN_BUNDLE_VERSION, pos,
				   "not checked: a version holds the value of an output");
		else if (deb_version_compare(o->version, least->value) < 0)
			check_say(v, CHECK_MIN_BUNDLE_VERSION, least->pos,
				  "devices would refuse bundle '%s' of version %s (%s:%u)", n->name,
				  o->version, pos.file, pos.line);
	}
}

/* Whether PATH is below a mount point of fstab that outlives a boot. */
static bool is_kept(const struct check_view *v, const char *path)
{
	for (size_t i = 0; i < v->fstab.count; i++) {
		const struct conf_entry *e = &v->fstab.items[i];
		char *mount cleanup_free = xstrndup(e->value, strcspn(e->value, " \t"));
		const char *rest = str_skip(path, mount);

		if (rest && *rest == '/' && !str_eq(mount, "/") && !str_eq(e->key, "tmpfs"))
			return true;
	}
	return false;
}

static void status_is_kept(struct check_view *v)
{
	const struct conf_entry *file = conf_find(&v->system, "system", "statusfile");

	if (!file || *file->value != '/')
		wants(v, CHECK_STATUS_FILE, file, "system", "statusfile=/data/…",
		      "RAUC's status would be kept in no place that both slots share");
	else if (v->fstab.count && !is_kept(v, file->value))
		check_say(
			v, CHECK_STATUS_FILE, file->pos,
			"'%s' is on no partition of %s: RAUC's status would be lost with a boot or "
			"an update",
			file->value, v->fstab.items[0].pos.file);
}

static void bundles_are_verified(struct check_view *v)
{
	const struct conf_entry *purpose = conf_find(&v->system, "keyring", "check-purpose");
	const struct conf_entry *formats = conf_find(&v->system, "system", "bundle-formats");

	if (!purpose || !str_eq(purpose->value, "codesign"))
		wants(v, CHECK_CHECK_PURPOSE, purpose, "keyring", "check-purpose=codesign",
		      "a certificate for another purpose, such as mail, could sign updates");
	if (!formats || !str_eq(formats->value, "verity"))
		wants(v, CHECK_BUNDLE_FORMATS, formats, "system", "bundle-formats=verity",
		      "a plain bundle can be changed between the check and the installation");
}

/* Whoever dates a bundle back outlives every certificate; a list of what is revoked ends that. */
static void stolen_keys_end(struct check_view *v)
{
	const struct conf_entry *time = conf_find(&v->system, "keyring", "use-bundle-signing-time");

	if (conf_is_true(time) && !conf_is_true(conf_find(&v->system, "keyring", "check-crl")))
		check_say(
			v, CHECK_SIGNING_TIME_WITHOUT_CRL, time->pos,
			"a stolen signing key is good for ever, as a bundle can be dated back: say "
			"'check-crl=true' in [keyring], and `orch pki crl` for the lists in the "
			"keyring that this asks for");
}

/* An image of a boot partition is written whole, whatever the bundle says of it. */
static void class_is_adaptive(struct check_view *v, const struct node *bundle, const char *class)
{
	char *section cleanup_free = xasprintf("slot.%s.0", class);
	const struct conf_entry *type = conf_find(&v->system, section, "type");

	if (type && str_skip(type->value, "boot-"))
		check_say(v, CHECK_ADAPTIVE_INDEX, recipe_pos(bundle->recipe, "adaptive"),
			  "slots of class '%s' have type=%s (%s:%u), which RAUC writes whole: "
			  "leave the class out",
			  class, type->value, type->pos.file, type->pos.line);
}

static void indexes_are_kept(struct check_view *v)
{
	const struct conf_entry *dir = conf_find(&v->system, "system", "data-directory");

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct bundle_opts *o = n->recipe->opts;

		if (check_is_test(v, n) || n->recipe->kind != &kind_bundle || !o->adaptive.count)
			continue;
		for (size_t k = 0; k < o->adaptive.count; k++)
			class_is_adaptive(v, n, LIST_AT(o->adaptive, const char *, k));
		if (!dir || *dir->value != '/')
			wants(v, CHECK_ADAPTIVE_INDEX, dir, "system", "data-directory=/data/…",
			      "RAUC would ignore that a bundle is adaptive");
		else if (v->fstab.count && !is_kept(v, dir->value))
			check_say(v, CHECK_ADAPTIVE_INDEX, dir->pos,
				  "'%s' is on no partition of %s: the indexes of adaptive updates "
				  "would be lost with a boot or an update",
				  dir->value, v->fstab.items[0].pos.file);
	}
}

/* A script has to know all words that every RAUC asks it by; other programs are not looked into. */
static void backend_answers(struct check_view *v, const struct conf_entry *backend)
{
	static const char *const words[] = {"get-primary", "set-primary", "get-state", "set-state"};
	const struct check_file *f = check_target_file(v, backend->value);
	const char *text;

	if (!f)
		return;
	text = f->filled ? f->filled : check_text_of(v, f->path, MAX_BACKEND_BYTES);
	for (size_t i = 0; text && str_skip(text, "#!") && i < array_len(words); i++)
		if (!strstr(text, words[i]))
			check_say(v, CHECK_CUSTOM_BACKEND, (struct pos){f->path, 1, 1},
				  "RAUC asks %s (%s:%u) for '%s', which it does not know",
				  f->target, backend->pos.file, backend->pos.line, words[i]);
}

/* A boot loader that RAUC does not know itself has a program of the device that does. */
static void custom_has_backend(struct check_view *v)
{
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");
	const struct conf_entry *backend =
		conf_find(&v->system, "handlers", "bootloader-custom-backend");
	bool custom = loader && str_eq(loader->value, "custom");

	if (custom && (!backend || *backend->value != '/')) {
		struct pos pos = backend ? backend->pos : loader->pos;

		check_say(v, CHECK_CUSTOM_BACKEND, pos,
			  "RAUC has nobody to ask which slot is next: say "
			  "'bootloader-custom-backend=/usr/lib/…' in [handlers], a program of the "
			  "device");
	} else if (backend && loader && !custom) {
		check_say(v, CHECK_CUSTOM_BACKEND, backend->pos,
			  "RAUC asks this program only with 'bootloader=custom', and here it is "
			  "'%s' (%s:%u)",
			  loader->value, loader->pos.file, loader->pos.line);
	} else if (backend) {
		backend_answers(v, backend);
	}
}

int check_rauc_rules(struct check_view *v, struct err **err)
{
	if (!v->system.count)
		return 0;
	for (size_t i = 0; i < v->system.count; i++)
		words_are_read(v, &v->system.items[i]);
	custom_has_backend(v);
	old_bundles_are_refused(v);
	bundles_are_verified(v);
	stolen_keys_end(v);
	status_is_kept(v);
	indexes_are_kept(v);
	return 0;
}
