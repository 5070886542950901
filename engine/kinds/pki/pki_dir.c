/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/pki_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/identity.h"
#include "kinds/pki/token.h"

#define KEYRING_MAX (1024 * 1024)

/* The files of DIR that end in SUFFIX, in the order of the alphabet; none if there is no DIR. */
static void list_files(const char *dir, const char *suffix, struct strv *ret)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (str_ends(e->d_name, suffix) && *e->d_name != '.')
			strv_take(ret, path_join(dir, e->d_name));
	}
	if (d)
		closedir(d);
	strv_sort(ret);
}

/* Lists are taken of the keyring alone: elsewhere lie those of others. */
static int add_file(struct pki_dir *d, const char *path, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = sk_X509_new_null();
	STACK_OF(X509_CRL) * others __attribute__((cleanup(crls_freep))) = sk_X509_CRL_new_null();
	bool ours = str_eq(path_base(path), PKI_KEYRING);

	if (x509_add_file(path, certs, ours ? d->lists : others, err) < 0)
		return -1;
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (!x509_has(d->certs, x) && X509_up_ref(x))
			sk_X509_push(d->certs, x);
		if (ours && X509_up_ref(x))
			sk_X509_push(d->trusted, x);
	}
	return 0;
}

int pki_dir_lock(const char *project_dir, int *ret_fd, struct err **err)
{
	char *path cleanup_free = path_join(project_dir, "pki");
	int fd cleanup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_fd = -1;
	if (fd < 0 && errno == ENOENT)
		return 0; /* who opens it says so */
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot lock '%s'", path);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int pki_dir_open(struct pki_dir *d, const char *project_dir, struct err **err)
{
	char *issued cleanup_free = NULL;
	struct strv files cleanup_strv = {0};

	*d = (struct pki_dir){.path = path_join(project_dir, "pki"),
			      .certs = sk_X509_new_null(),
			      .trusted = sk_X509_new_null(),
			      .lists = sk_X509_CRL_new_null()};
	issued = path_join(d->path, PKI_ISSUED);
	list_files(d->path, ".pem", &files);
	list_files(issued, ".pem", &files);
	for (size_t i = 0; i < files.count; i++) {
		if (add_file(d, files.items[i], err) < 0)
			return -1;
	}
	if (!sk_X509_num(d->certs))
		return err_set(err, E_KEYS_MISSING,
			       "there are no certificates in '%s'; `orch pki init` makes those for "
			       "development",
			       d->path);
	return 0;
}

void pki_dir_close(struct pki_dir *d)
{
	free(d->path);
	sk_X509_pop_free(d->certs, X509_free);
	sk_X509_pop_free(d->trusted, X509_free);
	sk_X509_CRL_pop_free(d->lists, X509_CRL_free);
	*d = (struct pki_dir){0};
}

static EVP_PKEY *key_of(const struct pki_dir *d, X509 *cert, struct err **err)
{
	char *private cleanup_free = path_join(d->path, "private");
	struct strv files cleanup_strv = {0};
	mode_t mode;

	list_files(private, ".key", &files);
	for (size_t i = 0; i < files.count; i++) {
		EVP_PKEY *key cleanup_pkey = x509_read_key(files.items[i]);

		if (!key || EVP_PKEY_eq(key, X509_get0_pubkey(cert)) != 1)
			continue;
		if (private_key_check_place(AT_FDCWD, files.items[i], &mode, err) < 0)
			return NULL;
		return steal_ptr(key);
	}
	return NULL;
}

EVP_PKEY *pki_dir_key(const struct pki_dir *d, X509 *cert, const char *where, struct err **err)
{
	EVP_PKEY *key cleanup_pkey = where     ? key_open(where, err)
				     : d->path ? key_of(d, cert, err)
					       : NULL;
	char name[256];

	if (!key && *err)
		return NULL;
	x509_subject(cert, name, sizeof(name));
	if (!key) {
		err_set(err, E_CA_UNKNOWN,
			"the private key of CA '%s' is not in 'pki/private/': name it with --key",
			name);
		return NULL;
	}
	if (EVP_PKEY_eq(key, X509_get0_pubkey(cert)) != 1) {
		err_set(err, E_KEY_UNUSABLE, "private key '%s' does not belong to certificate '%s'",
			where ? where : "", name);
		return NULL;
	}
	return steal_ptr(key);
}

static X509 *find_serial(const struct pki_dir *d, const char *which, struct err **err)
{
	X509 *found = NULL;

	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		char *serial cleanup_free = x509_serial(sk_X509_value(d->certs, i));

		if (strncasecmp(serial, which, strlen(which)) != 0)
			continue;
		if (found) {
			err_set(err, E_INVALID_VALUE,
				"more than one certificate has a serial number that begins with "
				"'%s': give more digits",
				which);
			return NULL;
		}
		found = sk_X509_value(d->certs, i);
	}
	if (!found)
		err_set(err, E_FILE_UNREADABLE,
			"'%s' is not a file, and no certificate below '%s' has that serial number; "
			"`orch pki status` lists them",
			which, d->path);
	return found;
}

X509 *pki_dir_find(struct pki_dir *d, const char *which, bool ca, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL;
	X509 *x;

	if (!path_exists(which))
		return find_serial(d, which, err);
	if (x509_load(which, &certs, err) < 0)
		return NULL;
	x = ca ? x509_first_ca(certs) : sk_X509_value(certs, 0);
	if (x && X509_up_ref(x))
		sk_X509_push(d->certs, x);
	else
		err_set(err, E_CERTIFICATE_USAGE, "'%s' has no certificate of a CA", which);
	return x;
}

X509_CRL *pki_dir_list(const struct pki_dir *d, X509 *ca, int *ret_count)
{
	X509_CRL *first = NULL;
	int count = 0;

	for (int i = 0; i < sk_X509_CRL_num(d->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(d->lists, i);

		if (!crl_is_of(list, ca))
			continue;
		first = first ? first : list;
		count++;
	}
	if (ret_count)
		*ret_count = count;
	return first;
}

/* Whether LIST is said to be CA's: it has its name, and names its key or none. */
static bool claims(X509_CRL *list, X509 *ca)
{
	AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, NULL, NULL);
	bool so = X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) == 0 &&
		  X509_check_akid(ca, id) == X509_V_OK;

	AUTHORITY_KEYID_free(id);
	return so;
}

/* Whether LIST is CA's, or devices could take it for that: no CA that is here has signed it. */
static bool is_in_place_of(const struct pki_dir *d, X509_CRL *list, X509 *ca)
{
	if (crl_is_of(list, ca))
		return true;
	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		if (crl_is_of(list, sk_X509_value(d->certs, i)))
			return false;
	}
	return claims(list, ca);
}

int pki_dir_set_list(struct pki_dir *d, X509 *ca, X509_CRL *list)
{
	int at = -1; /* behind all others */

	for (int i = sk_X509_CRL_num(d->lists); i-- > 0;) {
		if (!is_in_place_of(d, sk_X509_CRL_value(d->lists, i), ca))
			continue;
		X509_CRL_free(sk_X509_CRL_delete(d->lists, i));
		at = i;
	}
	return sk_X509_CRL_insert(d->lists, list, at) ? 0 : -1;
}

bool pki_dir_leads_up(const struct pki_dir *d, X509 *x)
{
	return x509_has(d->trusted, x) || (!x509_is_root(x) && x509_issuer_of(d->certs, x));
}

int64_t pki_dir_revoked(const struct pki_dir *d, X509 *x)
{
	X509 *ca = x509_issuer_of(d->certs, x);

	for (int i = 0; ca && i < sk_X509_CRL_num(d->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(d->lists, i);
		X509_REVOKED *entry = NULL;

		if (crl_is_of(list, ca) && X509_CRL_get0_by_cert(list, &entry, x) == 1)
			return x509_seconds(X509_REVOKED_get0_revocationDate(entry));
	}
	return 0;
}

int pki_file_write(const char *path, const struct str *data, mode_t mode, struct err **err)
{
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	char *real cleanup_free = link ? realpath(path, NULL) : NULL;

	if (link && !real)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot follow the link '%s'", path);
	return file_write(real ? real : path, data->buf, data->len, mode, true, err);
}

int pki_dir_keep(const struct pki_dir *d, X509 *x, struct err **err)
{
	char *serial cleanup_free = x509_serial(x);
	char *dir cleanup_free = path_join(d->path, PKI_ISSUED);
	/* CAs count each for itself: the issuer is part of the name. */
	char *name cleanup_free = xasprintf("%s-%08lx.pem", serial, X509_issuer_name_hash(x));

	return path_mkdirs(dir, err) < 0 ? -1 : identity_write_certs(dir, name, x, NULL, err);
}

/* TEXT without its lists: what else is in it, remarks, too, stays as it is. */
static void copy_without_lists(const char *text, struct str *ret)
{
	static const char begin[] = "-----BEGIN X509 CRL-----", end[] = "-----END X509 CRL-----";
	const char *at;

	while ((at = strstr(text, begin))) {
		const char *after = strstr(at, end);

		str_append_len(ret, text, (size_t)(at - text));
		text = after ? after + strlen(end) : at + strlen(at);
		text += *text == '\r';
		text += *text == '\n';
	}
	str_append(ret, text);
	if (ret->len && ret->buf[ret->len - 1] != '\n')
		str_append_char(ret, '\n');
}

int pki_dir_save_lists(const struct pki_dir *d, struct err **err)
{
	char *path cleanup_free = path_join(d->path, PKI_KEYRING);
	struct str was cleanup_str = STR_INIT, is cleanup_str = STR_INIT;

	if (file_read(path, KEYRING_MAX, &was, err) < 0)
		return -1;
	if (strlen(was.buf) != was.len)
		return err_set(err, E_CERTIFICATE_UNREADABLE, "'%s' is not a text file (PEM)",
			       path);
	copy_without_lists(was.buf, &is);
	if (crl_append(d->lists, &is) < 0)
		return err_set(err, E_INTERNAL, "OpenSSL cannot write lists to '%s'", path);
	return pki_file_write(path, &is, 0644, err);
}
