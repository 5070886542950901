/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/vex.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "base/walk.h"
#include "evidence/vex_priv.h"

#define FILE_MAX (64u << 20)

static void push(struct vex *x, struct strs *to, const char *value)
{
	if (value)
		strs_push(to, arena_strdup(x->arena, value));
}

static struct vex_statement *add(struct vex *x, const char *path, struct timespec time)
{
	struct vex_statement *s = vex_statements_at_end(&x->statements);

	s->file = arena_strdup(x->arena, path);
	s->time = time;
	return s;
}

static const char *kept(struct vex *x, const char *value)
{
	return value && *value ? arena_strdup(x->arena, value) : NULL;
}

/* ---- times ---- */

/* COUNT digits of *TEXT, which are from LOW to HIGH. -1: they are not there. */
static int take_number(const char **text, int count, int low, int high)
{
	int value = 0;

	for (; count--; (*text)++) {
		if (!isdigit((unsigned char)**text))
			return -1;
		value = value * 10 + **text - '0';
	}
	return value >= low && value <= high ? value : -1;
}

/* "2030-01-31T10:00:00" of *TEXT, in UTC. */
static bool take_date(const char **text, time_t *ret)
{
	static const struct {
		const char *before; /* one of these */
		int count, low, high;
	} fields[] = {{"", 4, 1, 9999},  {"-", 2, 1, 12}, {"-", 2, 1, 31},
		      {"Tt ", 2, 0, 23}, {":", 2, 0, 59}, {":", 2, 0, 60}};
	int n[array_len(fields)];
	struct tm tm = {0};

	for (size_t i = 0; i < array_len(fields); i++) {
		if (*fields[i].before && (!**text || !strchr(fields[i].before, *(*text)++)))
			return false;
		n[i] = take_number(text, fields[i].count, fields[i].low, fields[i].high);
		if (n[i] < 0)
			return false;
	}
	tm = (struct tm){.tm_year = n[0] - 1900,
			 .tm_mon = n[1] - 1,
			 .tm_mday = n[2],
			 .tm_hour = n[3],
			 .tm_min = n[4],
			 .tm_sec = n[5]};
	*ret = timegm(&tm);
	return true;
}

/* ".25" of *TEXT, which may have none, in nanoseconds. */
static bool take_fraction(const char **text, long *ret)
{
	long unit = 100000000;

	*ret = 0;
	if (**text != '.')
		return true;
	for ((*text)++; isdigit((unsigned char)**text); (*text)++, unit /= 10)
		*ret += (**text - '0') * unit;
	return isdigit((unsigned char)(*text)[-1]);
}

/* "Z", "+02:00", "-02:00" of *TEXT, in seconds. */
static bool take_offset(const char **text, time_t *ret)
{
	char sign = **text;
	int hours, minutes;

	*ret = 0;
	if (!sign || !strchr("Zz+-", *(*text)++))
		return false;
	if (toupper(sign) == 'Z')
		return true;
	hours = take_number(text, 2, 0, 23);
	if (hours < 0 || *(*text)++ != ':')
		return false;
	minutes = take_number(text, 2, 0, 59);
	*ret = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return minutes >= 0;
}

/* TEXT as RFC 3339 has it; NULL: nothing was said. Adds to ERRORS that it is none. */
static void read_time(const char *path, const char *text, struct timespec *ret,
		      struct err_list *errors)
{
	const char *rest = text;
	struct err *err = NULL;
	time_t offset = 0;

	*ret = (struct timespec){.tv_sec = INT64_MIN};
	if (!text)
		return;
	if (!take_date(&rest, &ret->tv_sec) || !take_fraction(&rest, &ret->tv_nsec) ||
	    !take_offset(&rest, &offset) || *rest) {
		(void)!err_set(&err, E_BAD_VEX,
			       "'%s': '%s' is not a time as RFC 3339 has it, "
			       "\"2030-01-31T10:00:00Z\"",
			       path, text);
		err_list_add(errors, err);
	}
	ret->tv_sec -= offset;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* ---- OpenVEX ---- */

/* A product or component: its name as text, "@id", or among its identifiers. */
static void take_names(struct vex *x, const json_t *thing, struct strs *to)
{
	push(x, to, json_string_value(thing));
	push(x, to, text(thing, "@id"));
	push(x, to, text(json_object_get(thing, "identifiers"), "purl"));
}

static void take_vulnerability(struct vex *x, const json_t *v, struct strs *to)
{
	json_t *alias;
	size_t i;

	push(x, to, json_string_value(v));
	push(x, to, text(v, "name"));
	push(x, to, text(v, "@id"));
	json_array_foreach(json_object_get(v, "aliases"), i, alias)
		push(x, to, json_string_value(alias));
}

/* The parts that it is about alone; NULL: it is about all. 0.0.1 has them beside the products. */
static const json_t *parts_of(const json_t *statement, const json_t *product)
{
	const json_t *parts = json_object_get(product, "subcomponents");

	if (!parts || json_is_null(parts))
		parts = json_object_get(statement, "subcomponents");
	if (!parts || json_is_null(parts) || (json_is_array(parts) && !json_array_size(parts)))
		return NULL;
	return parts;
}

/* What STATEMENT says of PRODUCT, a thing of its own: it may have other parts than the next. */
static void take_product(struct vex *x, const char *path, const json_t *statement,
			 const json_t *product, struct timespec time)
{
	const json_t *parts = parts_of(statement, product);
	const char *why = text(statement, "justification");
	struct vex_statement *s = add(x, path, time);
	json_t *part;
	size_t i;

	s->status = vex_openvex_status(text(statement, "status"));
	s->why = kept(x, why ? why : text(statement, "impact_statement"));
	s->in_parts = parts != NULL;
	take_vulnerability(x, json_object_get(statement, "vulnerability"), &s->ids);
	take_names(x, product, &s->products);
	if (!json_is_array(parts))
		take_names(x, parts, &s->parts);
	json_array_foreach(parts, i, part) take_names(x, part, &s->parts);
}

static void read_openvex(struct vex *x, const char *path, const json_t *doc,
			 struct err_list *errors)
{
	json_t *statement, *product;
	struct timespec time;
	size_t i, k;

	json_array_foreach(json_object_get(doc, "statements"), i, statement)
	{
		const char *its = text(statement, "timestamp");

		vex_check_openvex(path, i + 1, statement, errors);
		read_time(path, its ? its : text(doc, "timestamp"), &time, errors);
		json_array_foreach(json_object_get(statement, "products"), k, product)
			take_product(x, path, statement, product, time);
	}
}

/* ---- CycloneDX ---- */

/* What "urn:cdx:SERIAL/1#REF" or REF names: the purl of that component, where the file has it. */
static const char *of_reference(const json_t *doc, const char *ref)
{
	const char *hash = strchr(ref, '#');
	json_t *component;
	size_t i;

	if (hash && str_skip(ref, "urn:cdx:"))
		ref = hash + 1;
	json_array_foreach(json_object_get(doc, "components"), i, component)
	{
		const char *its = text(component, "bom-ref");

		if (its && str_eq(its, ref) && text(component, "purl"))
			return text(component, "purl");
	}
	return ref;
}

/* What a vulnerability of a document is said to be. */
struct analysed {
	struct vex *x;
	const char *path, *id, *why;
	struct timespec time;
	enum vex_status status;
};

static void say(const struct analysed *a, enum vex_status status, const char *product)
{
	struct vex_statement *s = add(a->x, a->path, a->time);

	s->status = status;
	s->why = status == a->status ? kept(a->x, a->why) : NULL; /* it is about that */
	push(a->x, &s->ids, a->id);
	push(a->x, &s->products, product);
}

static bool is_good(enum vex_status status)
{
	return status == VEX_NOT_AFFECTED || status == VEX_FIXED;
}

/* What is said of one of the versions: what the analysis found, unless that is of the others. */
static enum vex_status status_of(const struct analysed *a, const json_t *version)
{
	const char *word = text(version, "status");

	if (!word)
		return a->status;
	if (str_eq(word, "affected"))
		return is_good(a->status) ? VEX_AFFECTED : a->status;
	if (str_eq(word, "unaffected"))
		return is_good(a->status) ? a->status : VEX_NOT_AFFECTED;
	return VEX_UNDER_INVESTIGATION;
}

/* PRODUCT, "acme" or a package URL, of VERSION; NULL: it is of another. Arena. */
static const char *of_version(struct arena *arena, const char *product, const char *version)
{
	size_t len = str_skip(product, "pkg:") ? strcspn(product, "?#") : strlen(product);
	const char *at = memchr(product, '@', len);
	struct sbom_package p;

	if (!at)
		return arena_printf(arena, "%.*s@%s%s", (int)len, product, version, product + len);
	if (sbom_purl(arena, product, &p) == 0)
		return p.version && str_eq(p.version, version) ? product : NULL;
	len -= (size_t)(at + 1 - product);
	return len == strlen(version) && !memcmp(at + 1, version, len) ? product : NULL;
}

/*
 * What is said of some versions settles no other. Which ones a range has is not known: of all of
 * them only what is bad is believed, and before what is said of one.
 */
static void take_versions(const struct analysed *a, const char *product, const json_t *versions)
{
	json_t *version;
	size_t i;

	json_array_foreach(versions, i, version)
	{
		if (!text(version, "version") && !is_good(status_of(a, version)))
			say(a, status_of(a, version), product);
	}
	json_array_foreach(versions, i, version)
	{
		const char *its = text(version, "version");
		const char *name = its ? of_version(a->x->arena, product, its) : NULL;

		if (name)
			say(a, status_of(a, version), name);
	}
}

static void take_analysed(struct vex *x, const char *path, const json_t *doc, const json_t *v,
			  struct timespec time)
{
	const json_t *analysis = json_object_get(v, "analysis");
	const char *why = text(analysis, "justification");
	struct analysed a = {.x = x,
			     .path = path,
			     .id = text(v, "id"),
			     .why = why ? why : text(analysis, "detail"),
			     .time = time,
			     .status = vex_cyclonedx_status(text(analysis, "state"))};
	json_t *affects;
	size_t i;

	json_array_foreach(json_object_get(v, "affects"), i, affects)
	{
		const char *ref = text(affects, "ref");
		const char *product = ref ? of_reference(doc, ref) : NULL;
		const json_t *versions = json_object_get(affects, "versions");

		if (product && json_array_size(versions))
			take_versions(&a, product, versions);
		else if (product)
			say(&a, a.status, product);
	}
}

static void read_cyclonedx(struct vex *x, const char *path, const json_t *doc,
			   struct err_list *errors)
{
	const char *now = text(json_object_get(doc, "metadata"), "timestamp");
	struct timespec time;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, "vulnerabilities"), i, v)
	{
		const char *its = text(json_object_get(v, "analysis"), "lastUpdated");

		vex_check_cyclonedx(path, i + 1, v, errors);
		read_time(path, its ? its : now, &time, errors);
		take_analysed(x, path, doc, v, time);
	}
}

/* ---- files ---- */

int vex_parse(struct vex *x, const char *path, const char *json, size_t len, struct err **err)
{
	json_error_t where;
	json_t *doc = json_loadb(json, len, 0, &where);
	const char *context = text(doc, "@context");
	struct err_list errors cleanup_err_list = {0};
	int rc = 0;

	if (!doc)
		return err_set(err, E_BAD_VEX, "'%s': line %d: %s", path, where.line, where.text);
	if (context && strstr(context, "openvex") &&
	    json_is_array(json_object_get(doc, "statements")))
		read_openvex(x, path, doc, &errors);
	else if (json_object_get(doc, "bomFormat") &&
		 json_is_array(json_object_get(doc, "vulnerabilities")))
		read_cyclonedx(x, path, doc, &errors);
	else
		rc = err_set(err, E_BAD_VEX,
			     "'%s' has no statements about vulnerabilities: neither OpenVEX nor "
			     "CycloneDX with 'vulnerabilities'",
			     path);
	json_decref(doc);
	return errors.count ? err_all(err, &errors) : rc;
}

static int read_file(struct vex *x, const char *dir, const char *name, struct err **err)
{
	char *path cleanup_free = path_join(dir, name);
	struct str json cleanup_str = STR_INIT;

	if (file_read(path, FILE_MAX, &json, err) < 0)
		return -1;
	return vex_parse(x, path, json.buf, json.len, err);
}

int vex_read(struct vex *x, const char *dir, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};
	struct strv names cleanup_strv = {0};

	if (!path_exists(dir))
		return 0;
	if (walk_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		struct err *bad = NULL;

		if (str_ends(names.items[i], ".json") &&
		    read_file(x, dir, names.items[i], &bad) < 0)
			err_list_add(&errors, bad);
	}
	return errors.count ? err_all(err, &errors) : 0;
}

void vex_release(struct vex *x)
{
	for (size_t i = 0; i < x->statements.count; i++) {
		struct vex_statement *s = &x->statements.items[i];

		strs_clear(&s->ids);
		strs_clear(&s->products);
		strs_clear(&s->parts);
	}
	vex_statements_clear(&x->statements);
}

/* ---- asking ---- */

static bool same(const char *want, const char *has)
{
	return !want || (has && str_eq(want, has));
}

/* Whether NAME is a package URL that names P, or the source package that it was built from. */
static bool is_package(struct arena *arena, const char *name, const struct sbom_package *p)
{
	struct sbom_package it;

	if (sbom_purl(arena, name, &it) || !same(it.vendor, p->vendor) ||
	    !same(it.distro, p->distro))
		return false;
	if (it.arch && str_eq(it.arch, "source"))
		return str_eq(it.name, p->source) && same(it.version, p->source_version);
	return str_eq(it.name, p->name) && same(it.version, p->version) && same(it.arch, p->arch);
}

/*
 * "NAME", "NAME@VERSION", "pkg:generic/acme/NAME@VERSION?..."; a Debian package is a part of a
 * product, even if it is called as that is.
 */
static bool is_product(const char *name, const struct sbom_document *d)
{
	const char *purl = str_skip(name, "pkg:"), *slash;
	size_t len = purl ? strcspn(name, "?#") : strlen(name);
	size_t version = d->version ? strlen(d->version) : 0;
	const char *rest;

	if (str_skip(name, "pkg:deb/"))
		return false;
	slash = purl ? memrchr(name, '/', len) : NULL;
	rest = str_skip(slash ? slash + 1 : name, d->name);
	if (!rest || rest > name + len)
		return false;
	len -= (size_t)(rest - name);
	return !len || (*rest == '@' && version && len == version + 1 &&
			strncmp(rest + 1, d->version, version) == 0);
}

static bool names_package(struct arena *arena, const struct strs *names,
			  const struct sbom_package *p)
{
	for (size_t i = 0; i < names->count; i++) {
		if (is_package(arena, names->items[i], p))
			return true;
	}
	return false;
}

static bool names_product(const struct strs *names, const struct sbom_document *d)
{
	for (size_t i = 0; i < names->count; i++) {
		if (is_product(names->items[i], d))
			return true;
	}
	return false;
}

static bool is_about(struct arena *arena, const struct vex_statement *s,
		     const struct sbom_document *d, const struct vulnerable *v)
{
	bool named = false;

	for (size_t i = 0; i < s->ids.count && !named; i++)
		named = str_eq(s->ids.items[i], v->id);
	if (!named)
		return false;
	if (s->in_parts && !names_package(arena, &s->parts, v->package))
		return false;
	return names_product(&s->products, d) || names_package(arena, &s->products, v->package);
}

const struct vex_statement *vex_find(const struct vex *x, const struct sbom_document *d,
				     const struct vulnerable *v)
{
	struct arena *arena cleanup_arena = arena_new();
	const struct vex_statement *best = NULL;

	for (size_t i = 0; i < x->statements.count; i++) {
		const struct vex_statement *s = &x->statements.items[i];

		if (s->status != VEX_NONE && is_about(arena, s, d, v) &&
		    (!best || !is_before(&s->time, &best->time)))
			best = s;
	}
	return best;
}

bool vex_settles(const struct vex_statement *s)
{
	return s && (s->status == VEX_FIXED || (s->status == VEX_NOT_AFFECTED && s->why));
}
