/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A bill of materials: what the result of a node is made of, whatever format it is written in
 * (sbom.h). It has parts, of which the first is the result itself:
 *
 *	a bundle or a disk          holds the images that it is made of
 *	a tree or an image          holds Debian packages, files of no package, and what steps made
 *	what a step made, a fetch   was made from files, downloads and other such parts, with tools
 *
 * A file system is read as it ships: packages are those of its dpkg database, files those that no
 * package lists. Where its database was removed, it is that of the nearest tree that it was made
 * from, and packages of which no file is left do not count. What orch cannot look into (xfs, btrfs,
 * erofs) is known by the trees that went in.
 *
 * All that is told comes from the node's manifest and the bytes of its results, so that equal
 * results have equal bills.
 */
#include "media/deb/copyright.h"
#include "graph/manifest.h"

struct bill_package {
	const char *name, *version, *arch;
	const char *source, *source_version; /* that it was built from */
	const char *vendor, *codename;       /* "debian", "trixie": what os-release says; or NULL */
	const char *maintainer;              /* "Name <address>", or NULL */
	const char *homepage;                /* or NULL */
	const char *licence;                 /* SPDX expression; NULL: not known */
	struct digest deb;                   /* SHA-256 of the .deb; zeros: not known */
	/* As in dpkg's database: Pre-Depends and Depends; Provides; "" when there is none. */
	const char *depends, *provides;
	const char *built_using; /* Built-Using and Static-Built-Using, or NULL */
};
DEFINE_VEC(bill_packages, struct bill_package)

struct bill_file {
	const char *path; /* "etc/hostname" */
	struct sha1 sha1;
	struct digest sha256;
	uint64_t size; /* bytes */
};
DEFINE_VEC(bill_files, struct bill_file)

/* Something of the project, of an archive, or of the network, that a step took. */
struct bill_source {
	const char *name; /* "custom_build/app", "https://example.org/x.tar.gz" */
	/* NAME is a file of this source package, in this version; else NULL */
	const char *package, *version;
	struct digest digest; /* of a directory: of its list of files (graph/manifest.h) */
	bool directory, url;
};
DEFINE_VEC(bill_sources, struct bill_source)

enum bill_link_type {
	BILL_HOLDS, /* the other part is in this one */
	BILL_FROM,  /* it was made from it */
	BILL_WITH,  /* it was made with programs of it */
};
struct bill_link {
	enum bill_link_type type;
	size_t part; /* index */
};
DEFINE_VEC(bill_links, struct bill_link)

enum bill_part_type {
	BILL_DELIVERY, /* a bundle, a disk */
	BILL_SYSTEM,   /* a tree, a file system */
	BILL_MADE,     /* of a step */
	BILL_FETCHED,
	/* A tree whose programs made something: its source packages are told, no others. */
	BILL_TOOLS,
};
struct bill_part {
	enum bill_part_type type;
	const struct node *node;
	struct bill_packages packages; /* by name, then architecture */
	struct bill_files files;       /* by path */
	struct bill_sources sources;
	struct bill_links links;
	/* The database was removed: packages are those of this node's tree. NULL: its own. */
	const char *packages_of;
};
DEFINE_VEC(bill_parts, struct bill_part)

struct bill {
	struct arena *arena;
	const struct project *project;
	struct bill_parts parts;
	struct licences licences; /* without a name in SPDX, by id, each once */
};

/*
 * The bill of N of G, which has a record, as have all nodes that it is made of. STORE_DIR has their
 * blobs; SCRATCH is an empty directory for what must be unpacked to be read. Everything but the
 * vectors lives in ARENA and in G.
 */
int bill_make(struct bill *b, const struct graph *g, const struct node *n, const char *store_dir,
	      const char *scratch, struct arena *arena, struct err **err) warn_unused;
void bill_clear(struct bill *b);
#define cleanup_bill __attribute__((cleanup(bill_clear)))

/* Calls FN for each package of PART that another one needs; both are indexes. */
typedef void bill_need_fn(void *arg, size_t user, size_t needed);
void bill_each_need(const struct bill_part *part, bill_need_fn *fn, void *arg);
/* Calls FN with each source package, besides its own, of which something was built into P. */
void bill_each_built_using(struct arena *arena, const struct bill_package *p,
			   void (*fn)(void *arg, const struct bill_package *source), void *arg);

/* "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=trixie" (package-url, type deb). Arena. */
const char *bill_purl(struct arena *arena, const struct bill_package *p);
/* The same of the source package that P was built from: "...?arch=source&distro=trixie". */
const char *bill_source_purl(struct arena *arena, const struct bill_package *p);
/* The same of a source that is a file of a source package. */
const char *bill_archive_purl(struct arena *arena, const struct bill_source *s);
/* Appends "pkg:generic/NAME@VERSION". */
void purl_generic(struct str *ret, const char *name, const char *version);
