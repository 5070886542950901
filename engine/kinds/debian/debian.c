/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind debian: a root tree from locked Debian packages, and unpacked source packages. */
#include "kinds/deb_inputs.h"
#include "kinds/debian/build_depends.h"
#include "kinds/debian/debian.h"
#include "base/path.h"
#include "kinds/debian/lock_sections.h"

#include "kinds/debian/relock.h"
#include "kinds/kinds.h"

struct pos debian_item_pos(const struct yaml *map, const char *key, size_t i)
{
	const struct yaml *v = yaml_get(map, key);

	if (!v)
		return map->pos;
	return v->type == YAML_LIST && i < v->count ? v->items[i]->pos : v->pos;
}

static void check_names(const struct yaml *map, const char *key, const struct list *names,
			bool words, struct err_list *errors)
{
	struct arena *arena cleanup_arena = arena_new();

	for (size_t i = 0; i < names->count; i++) {
		const char *text = LIST_AT(*names, const char *, i);
		struct package_word w;
		bool bad = package_word_parse(arena, text, &w) != 0;

		if (bad || (!words && (w.suite || w.version)))
			err_list_at(errors, E_INVALID_PACKAGE, debian_item_pos(map, key, i),
				    "'%s' is not a package name%s", text,
				    words ? ", NAME/SUITE or NAME=VERSION" : "");
	}
}

/* Of two words that choose a version or suite of one package only one can have its way. */
static void check_twice(const struct yaml *map, const struct list *words, struct err_list *errors)
{
	struct arena *arena cleanup_arena = arena_new();
	struct map chosen cleanup_map = {0};

	for (size_t i = 0; i < words->count; i++) {
		const char *text = LIST_AT(*words, const char *, i), *other;
		struct package_word w;

		if (package_word_parse(arena, text, &w) != 0 || (!w.version && !w.suite))
			continue;
		other = map_set(&chosen, w.name, (void *)text);
		if (other && !str_eq(other, text))
			err_list_at(errors, E_INVALID_PACKAGE, debian_item_pos(map, "packages", i),
				    "'%s' and '%s' name one package in two ways: write one of them",
				    text, other);
	}
}

/* Debian's name of what the kernel and compilers call NAME, or NULL. */
static const char *debian_name(const char *name)
{
	static const char *const pairs[][2] = {
		{"aarch64", "arm64"}, {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"x64", "amd64"},
		{"arm", "armhf"},     {"armv7", "armhf"},  {"x86", "i386"},     {"i686", "i386"},
	};

	for (size_t i = 0; i < array_len(pairs); i++)
		if (str_eq(pairs[i][0], name))
			return pairs[i][1];
	return NULL;
}

void debian_check_arch(const struct yaml *map, const char *arch, struct err_list *errors)
{
	static const char *const known[] = {"build", "amd64",   "arm64",   "armel",   "armhf",
					    "i386",  "loong64", "ppc64el", "riscv64", "s390x"};
	const char *near = debian_name(arch);

	if (!near)
		near = str_nearest(arch, known, array_len(known));
	for (size_t i = 0; i < array_len(known); i++)
		if (str_eq(known[i], arch))
			return;
	err_list_at(errors, E_UNKNOWN_ARCHITECTURE, debian_item_pos(map, "arch", 0),
		    "'%s' is not an architecture of Debian that can be run or emulated%s%s%s", arch,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* What is no word of `sources:` is a directory; one that can stand in a line of a lock. */
static void check_build_depends(const struct yaml *map, const struct debian_opts *o,
				struct err_list *errors)
{
	for (size_t i = 0; i < o->build_depends.count; i++) {
		const char *word = LIST_AT(o->build_depends, const char *, i), *why;

		if (build_depends_of_source(o, word))
			continue;
		if (!path_is_project(word, &why))
			err_list_at(errors, E_INVALID_PATH,
				    debian_item_pos(map, "build-depends", i), "'%s' %s", word, why);
		else if (word[strspn(word, LOCK_WORD)])
			err_list_at(errors, E_INVALID_PATH,
				    debian_item_pos(map, "build-depends", i),
				    "'%s' has characters that a lock cannot say: call "
				    "the directory something else",
				    word);
	}
	if (o->build_depends.count && !o->packages.count)
		err_list_at(errors, E_CONFLICTING_KEYS, debian_item_pos(map, "build-depends", 0),
			    "'build-depends' adds to 'packages': name at least 'build-essential' "
			    "there");
}

/* Words that a line of a lock can hold. */
static void check_debs(const struct yaml *map, const struct debian_opts *o, struct err_list *errors)
{
	for (size_t i = 0; i < o->debs.count; i++) {
		const struct ref *ref = LIST_AT(o->debs, struct ref *, i);

		if (ref->text[strspn(ref->text, LOCK_WORD)])
			err_list_at(errors, E_INVALID_PATH, ref->pos,
				    "'%s' has characters that a lock cannot say: call the file or "
				    "directory something else",
				    ref->text);
	}
	if (o->debs.count && !o->packages.count)
		err_list_at(errors, E_CONFLICTING_KEYS, debian_item_pos(map, "debs", 0),
			    "'debs' are installed with 'packages': name at least one there");
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct debian_opts *o = data;

	if (!o->packages.count && !o->sources.count)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "a debian node needs 'packages' or 'sources'");
	if (!o->packages.count && o->from)
		err_list_at(errors, E_CONFLICTING_KEYS, debian_item_pos(map, "from", 0),
			    "'from' adds packages to a tree: name them with 'packages'");
	debian_check_arch(map, o->arch, errors);
	check_names(map, "packages", &o->packages, true, errors);
	check_twice(map, &o->packages, errors);
	check_names(map, "sources", &o->sources, false, errors);
	check_build_depends(map, o, errors);
	check_debs(map, o, errors);
}

static bool has_archive(const struct project *p, const char *alias)
{
	for (size_t i = 0; i < p->archives.count; i++)
		if (str_eq(LIST_AT(p->archives, const struct archive *, i)->alias, alias))
			return true;
	return false;
}

/* The suites that this node's packages can be asked from. */
static void push_suites(const struct kind_ctx *ctx, struct strs *ret)
{
	struct list archives;
	struct err *said_elsewhere cleanup_err = NULL;

	if (debian_archives(ctx->project, ctx->opts, &archives, ctx->arena, &said_elsewhere) < 0)
		return;
	for (size_t i = 0; i < archives.count; i++) {
		const struct archive *a = LIST_AT(archives, const struct archive *, i);

		for (size_t k = 0; k < a->suites.count; k++)
			strs_push(ret, LIST_AT(a->suites, const char *, k));
	}
}

static void check_suites(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct debian_opts *o = ctx->opts;
	struct strs suites = {0};

	push_suites(ctx, &suites);
	for (size_t i = 0; suites.count && i < o->packages.count; i++) {
		const char *text = LIST_AT(o->packages, const char *, i), *near;
		struct package_word w;
		bool known = false;

		if (package_word_parse(ctx->arena, text, &w) != 0 || !w.suite)
			continue;
		for (size_t k = 0; k < suites.count; k++)
			known |= str_eq(suites.items[k], w.suite);
		near = str_nearest(w.suite, suites.items, suites.count);
		if (!known)
			err_list_at(
				errors, E_UNKNOWN_ARCHIVE, debian_item_pos(ctx->map, "packages", i),
				"no archive of this node has suite '%s'%s%s%s", w.suite,
				near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	strs_clear(&suites);
}

static void debian_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct debian_opts *o = ctx->opts;

	if (!ctx->project->archives.count)
		err_list_at(
			errors, E_UNKNOWN_ARCHIVE, ctx->map->pos,
			"recipes/project.yaml names no package archive: add 'archives:' there, as "
			"in archives: {debian: {suites: [trixie], components: [main]}}");
	for (size_t i = 0; i < o->archives.count; i++) {
		const char *alias = LIST_AT(o->archives, const char *, i);

		if (!has_archive(ctx->project, alias))
			err_list_at(errors, E_UNKNOWN_ARCHIVE,
				    debian_item_pos(ctx->map, "archives", i),
				    "recipes/project.yaml has no archive '%s'", alias);
	}
	check_suites(ctx, errors);
}

/* What only chooses packages is unkeyed: the pins say which they are. */
#define AT(field) offsetof(struct debian_opts, field)
static const struct option debian_options[] = {
	{"arch", OPT_STRING, AT(arch), OPT_NAME | OPT_UNKEYED, .def = "build",
	 .help = "Debian's name of the architecture; 'build' is that of the machine the lock is "
		 "made on.",
	 .example = "arm64"},
	{"packages", OPT_STRING, AT(packages), OPT_LIST | OPT_UNKEYED,
	 .help = "Packages to install, with what they depend on and all essential packages: NAME, "
		 "NAME/SUITE (from that suite) or NAME=VERSION.",
	 .example = "[systemd-sysv, dbus, openssh-server, hello=2.10-3]"},
	{"sources", OPT_STRING, AT(sources), OPT_LIST | OPT_NAME | OPT_UNKEYED,
	 .help = "Source packages to unpack, patched, to /usr/src/NAME.", .example = "[u-boot]"},
	{"build-depends", OPT_STRING, AT(build_depends), OPT_LIST | OPT_UNKEYED,
	 .help = "Also what building these needs: directories of the project with debian/control, "
		 "and names of 'sources'; their Build-Depends are locked as 'packages' are.",
	 .example = "[custom_build/app, u-boot]"},
	{"debs", OPT_REF, AT(debs), OPT_LIST, .accept = DEB_INPUTS_ACCEPT,
	 .help = "Also packages of one's own: files or directories of the project, outputs of "
		 "nodes. 'orch lock' builds them, and locks what they need together with "
		 "'packages'.",
	 .example = "[edge-app, debs/vendor.deb]"},
	{"from", OPT_REF, AT(from), .accept = ACCEPT_TREE,
	 .help = "A debian node whose tree the packages are added to. What it has stays as it is, "
		 "but for packages that are asked for in another version here, or updated here "
		 "('orch lock NODE --update PACKAGE'), and what must move with them.",
	 .example = "base"},
	{"archives", OPT_STRING, AT(archives), OPT_LIST | OPT_NAME | OPT_UNKEYED,
	 .help = "Aliases of the archives to take packages from; default: all of project.yaml.",
	 .example = "[debian, debian-security]"},
	{"recommends", OPT_BOOL, AT(recommends), OPT_UNKEYED, .def = "false",
	 .help = "Also install what packages recommend."},
	{"overlay", OPT_REF, AT(overlay), .accept = ACCEPT_PATH,
	 .help = "A directory laid over the tree before maintainer scripts run, for configuration "
		 "they read.",
	 .example = "debian-config"},
	PLATFORM_OPTION(struct debian_opts),
};
const struct schema debian_schema =
	SCHEMA(struct debian_opts, debian_options, .check = check_options);

static void debian_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	(void)ctx;
	output_specs_push(ret, (struct output_spec){DEBIAN_OUTPUT, OUTPUT_TREE});
}

static const char *debian_lock_of(const struct kind_ctx *ctx)
{
	return debian_lock_path(ctx->arena, ctx->node);
}

static int debian_lock_part(const struct kind_ctx *ctx, const char *text, struct lock_part *ret)
{
	struct lock_section s;
	bool answers;
	int rc = lock_section_of(ctx->arena, ctx->project, ctx->node, text, strlen(text), &s,
				 &answers);

	if (rc == 0)
		*ret = (struct lock_part){s.text, s.len};
	return rc;
}

static uint64_t debian_lock_date(const struct kind_ctx *ctx)
{
	struct debian_lock l cleanup_lock = {0};
	struct err *ignored cleanup_err = NULL;

	return debian_lock_read(ctx->arena, ctx->project, ctx->node, &l, &ignored) == 0 ? l.date
											: 0;
}

static struct demand debian_demand(const void *opts)
{
	const struct debian_opts *o = opts;

	/* packages, the tree as a tar, and the same unpacked where it is a root of nodes */
	return (struct demand){
		.cpus = 1, .timeout_s = 2 * 60 * 60, .disk_mb = o->packages.count ? 1000 : 200};
}

const char *debian_not_packaged(struct arena *arena, const struct project *p, const struct ref *ref)
{
	const char *node = arena_strndup(arena, ref->text, strcspn(ref->text, ":")), *n = node;

	if (map_get(&p->unsound, node))
		return NULL;
	for (size_t left = p->recipes.count; n && left; left--) { /* a circle is told elsewhere */
		const struct recipe *r = map_get(&p->recipes, n);
		const struct debian_opts *o = r ? r->opts : NULL;

		if (!r || r->kind != &kind_debian)
			return "is not a tree of packages (kind debian)";
		if (o->overlay)
			return "has files of its own over its packages ('overlay')";
		if (o->debs.count)
			return "has packages that are of no archive ('debs')";
		n = o->from ? o->from->text : NULL;
	}
	return NULL;
}

const struct kind kind_debian = {
	.name = "debian",
	.summary = "a root tree from locked Debian packages, and sources",
	.manual = "The packages, with all they depend on, are pinned in recipes/NODE.lock by "
		  "'orch lock'; a build takes exactly those. dpkg unpacks and configures them as "
		  "an ordinary user, in a namespace of its own without network, in a pinned "
		  "emulator when the architecture is not this machine's; where this user cannot "
		  "make namespaces, in a QEMU guest, to the same bytes. What is there afterwards "
		  "is what dpkg leaves to root on such a system.\n"
		  "\n"
		  "A word of 'packages' is NAME, NAME/SUITE (that suite's version) or "
		  "NAME=VERSION. 'orch lock' moves no pin that an archive still has, in its "
		  "index or its pool, and says why it moves others; '--update' takes "
		  "current versions, '--update PACKAGE' of one package and what it needs. A "
		  "build compares name, version, architecture and source of each line with "
		  "the package, and that each package has what it depends on.\n"
		  "\n"
		  "The result is a tar whose bytes depend on the lock and the recipe alone: "
		  "sorted, with the packages' own times and the project's 'times' for what scripts "
		  "make, without logs, caches, host keys and machine-id.\n"
		  "\n"
		  "No initial RAM file system is made (INITRD=No): make it in a 'run' node with "
		  "this tree as its root.",
	.version = 7,
	.usual_s = 60,
	.schema = &debian_schema,
	.outputs = debian_outputs,
	.demand = debian_demand,
	.check = debian_check,
	.lock = debian_lock_of,
	.lock_part = debian_lock_part,
	.pins = debian_pins,
	.lock_date = debian_lock_date,
	.platform_at = offsetof(struct debian_opts, platform),
};
