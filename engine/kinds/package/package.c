/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind package: Debian packages from a source package, or from a kernel's source. */
#include "base/path.h"
#include "kinds/debian/debian.h"
#include "kinds/kinds.h"
#include "kinds/package/package_opts.h"
#include "kinds/run/build_cache.h"
#include "kinds/run/step_env.h"

static const char *const config_words[] = {"defconfig", "tinyconfig", "allnoconfig", NULL};

#define AT(field) offsetof(struct package_opts, field)
static const struct option package_options[] = {
	{"source", OPT_REF, AT(source), OPT_REQUIRED,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_INSIDE,
	 .help = "Directory with debian/, or a tarball of one: of the project, an output of "
		 "a node, or inside a tree, as where kind debian unpacks its 'sources'.",
	 .example = "\"toolchain:/usr/src/hello\""},
	{"debian", OPT_REF, AT(debian), .accept = ACCEPT_PATH,
	 .help = "Directory that takes the place of the source's debian/.",
	 .example = "custom_build/hello/debian"},
	{"root", OPT_REF, AT(root), OPT_REQUIRED, .accept = ACCEPT_TREE,
	 .help = "Tree that it is built in: a debian node with 'build-depends'.",
	 .example = "toolchain"},
	{"emulator", OPT_REF, AT(emulator), .accept = ACCEPT_TREE,
	 .help = "Tree with qemu-user for a root of a foreign architecture; without it this "
		 "machine's emulator is used.",
	 .example = "toolchain"},
	{"arch", OPT_STRING, AT(arch), OPT_NAME,
	 .help = "Debian's name of the architecture of the packages, default: the root's; another "
		 "one is cross-compiled, with crossbuild-essential-ARCH in the root.",
	 .example = "arm64"},
	{"profiles", OPT_STRING, AT(profiles), OPT_LIST | OPT_NAME,
	 .help = "Build profiles that are on (dpkg-buildpackage --build-profiles).",
	 .example = "[nocheck, nodoc]"},
	{"config", OPT_REF, AT(config), OPT_LIST, .accept = ACCEPT_PATH, .words = config_words,
	 .help = "Of a Linux source: what its configuration begins with, then fragments, or "
		 "directories of *.config, each of whose options must arrive.",
	 .example = "[defconfig, custom_build/kernel/board.config]"},
	{"device-trees", OPT_REF, AT(device_trees), OPT_LIST, .accept = ACCEPT_PATH,
	 .help = "Of a Linux source: device trees (NAME.dts) that are compiled with its headers.",
	 .example = "custom_build/kernel/board.dts"},
	{"overlays", OPT_REF, AT(overlays), OPT_LIST, .accept = ACCEPT_PATH,
	 .help = "Of a Linux source: overlays (NAME.dts or NAME.dtso), compiled with its headers.",
	 .example = "custom_build/kernel/relay.dtso"},
	{"modules", OPT_REF, AT(modules), OPT_LIST, .accept = ACCEPT_PATH,
	 .help = "Of a Linux source: directories of modules that are built against it.",
	 .example = "custom_build/relay"},
	{"env", OPT_DICT, AT(env), OPT_VALUE,
	 .help = "Variables for the build, beside those that "
		 "orch sets.",
	 .example = "{DEB_BUILD_OPTIONS: nocheck}"},
	{"outputs", OPT_STRING, AT(outputs), OPT_LIST | OPT_NAME | OPT_REQUIRED,
	 .help = "What to take of what was built: PACKAGE.deb, SOURCE.changes, "
		 "SOURCE.buildinfo, and "
		 "of a kernel NAME.dtb, NAME.dtbo, kernel.config.",
	 .example = "[edge-app.deb, edge-app-dbgsym.deb]"},
	{"cache", OPT_STRING, AT(cache), OPT_NAME | OPT_UNKEYED,
	 .help = BUILD_CACHE_HELP " Where the root has package ccache, its compilers come first.",
	 .example = "ccache"},
	{"cpus", OPT_INT, AT(cpus), OPT_UNKEYED | OPT_POSITIVE, .def = "1",
	 .help = "CPUs that the build keeps busy: for the scheduler, and as 'parallel=' for it."},
	{"memory", OPT_SIZE, AT(memory), OPT_UNKEYED, .def = "0", .help = "As of kind run.",
	 .example = "2G"},
	{"scratch", OPT_SIZE, AT(scratch), OPT_UNKEYED, .def = "0", .help = "As of kind run.",
	 .example = "10G"},
	{"timeout", OPT_INT, AT(timeout), OPT_UNKEYED | OPT_POSITIVE, .def = "7200",
	 .help = "Seconds after which the node is stopped."},
};

static const char *const own_env[] = {
	"DEBFULLNAME",       "DEBEMAIL",          "KBUILD_BUILD_TIMESTAMP",
	"KBUILD_BUILD_USER", "KBUILD_BUILD_HOST", NULL};

static bool is_kind_of_output(const struct package_opts *o, const char *name)
{
	static const char *const any[] = {".deb", ".changes", ".buildinfo"};
	static const char *const kernel[] = {".dtb", ".dtbo", "/" PACKAGE_CONFIG};
	const char *slashed = str_eq(name, PACKAGE_CONFIG) ? "/" PACKAGE_CONFIG : name;

	for (size_t i = 0; i < array_len(any); i++)
		if (str_ends(name, any[i]))
			return true;
	for (size_t i = 0; o->config.count && i < array_len(kernel); i++)
		if (str_ends(slashed, kernel[i]))
			return true;
	return false;
}

static void check_outputs(const struct package_opts *o, const struct yaml *map,
			  struct err_list *errors)
{
	for (size_t i = 0; i < o->outputs.count; i++) {
		const char *name = LIST_AT(o->outputs, const char *, i);
		struct pos pos = debian_item_pos(map, "outputs", i);

		if (!is_kind_of_output(o, name))
			err_list_at(
				errors, E_INVALID_VALUE, pos,
				"'%s' is not what a build leaves: outputs are NAME.deb, without "
				"its version, NAME.changes, NAME.buildinfo%s",
				name,
				o->config.count ? ", NAME.dtb, NAME.dtbo, " PACKAGE_CONFIG : "");
		for (size_t k = 0; k < i; k++)
			if (str_eq(name, LIST_AT(o->outputs, const char *, k)))
				err_list_at(errors, E_DUPLICATE_NAME, pos,
					    "output '%s' is named twice", name);
	}
}

static void check_config(const struct package_opts *o, const struct yaml *map,
			 struct err_list *errors)
{
	static const char *const kernel[] = {"device-trees", "overlays", "modules"};

	for (size_t i = 1; i < o->config.count; i++) {
		const struct ref *ref = LIST_AT(o->config, struct ref *, i);

		if (ref->type == REF_WORD)
			err_list_at(errors, E_CONFLICTING_KEYS, ref->pos,
				    "'%s' is what a configuration begins with: name it first",
				    ref->text);
	}
	for (size_t i = 0; !o->config.count && i < array_len(kernel); i++)
		if (yaml_get(map, kernel[i]))
			err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, kernel[i]),
				    "'%s' is for a Linux source, which 'config' configures",
				    kernel[i]);
	if (o->config.count && o->debian)
		err_list_at(errors, E_CONFLICTING_KEYS, o->debian->pos,
			    "with 'config' the source's own bindeb-pkg makes debian/");
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct package_opts *o = data;

	check_outputs(o, map, errors);
	check_config(o, map, errors);
	step_env_check(&o->env, own_env, errors);
	if (o->arch)
		debian_check_arch(map, o->arch, errors);
}

static const struct schema package_schema =
	SCHEMA(struct package_opts, package_options, .check = check_options);

/* What can be seen of a source that is a directory of the project. */
static void package_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct package_opts *o = ctx->opts;
	const struct ref *at = o->debian ? o->debian : o->source;
	char *dir cleanup_free = path_join(ctx->project_dir, at->text);
	char *control cleanup_free = xasprintf("%s%s/control", dir, o->debian ? "" : "/debian");
	char *inside cleanup_free = path_join(dir, ".");

	if (o->config.count || !path_exists(inside) || path_exists(control))
		return;
	if (o->debian)
		err_list_at(errors, E_FILE_MISSING, at->pos, "'%s' has no file 'control'",
			    at->text);
	else
		err_list_at(errors, E_FILE_MISSING, at->pos,
			    "'%s' has no debian/control, which says what packages are made of it: "
			    "write one, or name another directory by 'debian'",
			    at->text);
}

static void package_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct package_opts *o = ctx->opts;

	for (size_t i = 0; i < o->outputs.count; i++)
		output_specs_push(ret, (struct output_spec){LIST_AT(o->outputs, const char *, i),
							    OUTPUT_FILE});
}

static struct demand package_demand(const void *opts)
{
	const struct package_opts *o = opts;

	return (struct demand){.cpus = (unsigned)o->cpus,
			       .memory_mb = (unsigned)(o->memory >> 20),
			       .timeout_s = (unsigned)o->timeout};
}

const struct kind kind_package = {
	.name = "package",
	.summary = "Debian packages built from their source, or a kernel from its",
	.manual =
		"dpkg-buildpackage builds the binary packages of 'source' in the tree 'root', in a "
		"sandbox as kind run has it: no network, the environment fixed, the source at a "
		"path that is always the same, times not newer than SOURCE_DATE_EPOCH. What the "
		"build needs comes from 'build-depends' of the root's recipe and is in its lock; "
		"what the root lacks is an error. The source of an archive's package is locked by "
		"'sources' of a debian node: \"NODE:/usr/src/NAME\".\n\n"
		"The packages are named by 'outputs', without version and architecture; 'debs' of "
		"kind tree installs them. In a .buildinfo the date of the "
		"build is SOURCE_DATE_EPOCH, so that it is the same each time, "
		"too.\n\n"
		"Another 'arch' than the root's is cross-compiled: the compiler and the C library "
		"of "
		"crossbuild-essential-ARCH are all that such a build can use. What needs further "
		"libraries is built in a root of that architecture, under the emulator.\n\n"
		"With 'config' the source is Linux, as of Debian's packages linux-source-VERSION "
		"(\"ROOT:/usr/src/linux-source-VERSION.tar.xz\"): the first item of 'config' is "
		"defconfig, tinyconfig, allnoconfig or a file, fragments are merged over it, and "
		"an "
		"option of a fragment that does not arrive is an error with the fragment's file "
		"and "
		"line. 'make bindeb-pkg' makes linux-image.deb, linux-headers.deb, "
		"linux-libc-dev.deb (the release that their names have is left out); what "
		"'modules' "
		"and 'overlays' make is in linux-extra.deb, below /lib/modules/RELEASE/updates and "
		"/usr/lib/linux-image-RELEASE/overlays.",
	.version = 1,
	.usual_s = 60,
	.has_shell = true,
	.schema = &package_schema,
	.outputs = package_outputs,
	.demand = package_demand,
	.check = package_check,
};
