/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki.h"
#include "kinds/pki/x509.h"
#include "tmp.h"

#define DAY (24 * 3600)

static char *cert, *keyring, *key;

static int setup(void **state)
{
	struct err *err = NULL;

	if (dir_setup(state) < 0 || pki_init(dir, NULL, &err) < 0)
		return -1;
	cert = path_join(dir, "pki/signer.pem");
	keyring = path_join(dir, "pki/keyring.pem");
	key = path_join(dir, "pki/private/signer.key");
	return 0;
}

static int teardown(void **state)
{
	free(cert);
	free(keyring);
	free(key);
	return dir_teardown(state);
}

/* Checks and expects a refusal (class INTEGRITY) whose text has WORD. */
static void refused(const char *c, const char *r, const char *k, time_t now, const char *word)
{
	struct err *err cleanup_err = NULL;
	struct x509_facts facts;

	assert_int_equal(x509_check_signer(c, r, k, now, &facts, &err), -1);
	assert_non_null(strstr(err->text, word));
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
}

static void fresh_keys_are_good(void **state)
{
	struct err *err cleanup_err = NULL;
	struct x509_facts facts;

	assert_int_equal(x509_check_signer(cert, keyring, key, time(NULL), &facts, &err), 0);
	assert_true(facts.not_after > time(NULL) + (PKI_SIGNER_DAYS - 1) * DAY);
	assert_true(facts.not_after < time(NULL) + (PKI_SIGNER_DAYS + 1) * DAY);
}

/* A keyring of the first CA alone, or of the second; caller frees its path. */
static char *ca_alone(const char *name, bool second)
{
	struct err *err cleanup_err = NULL;
	struct str first cleanup_str = STR_INIT, rest cleanup_str = STR_INIT;
	const struct str *one = second ? &rest : &first;
	char *path = path_join(dir, name);

	assert_int_equal(x509_split_chain(keyring, &first, &rest, &err), 0);
	assert_int_equal(file_write(path, one->buf, one->len, 0644, false, &err), 0);
	return path;
}

static void each_ca_has_a_signer(void **state)
{
	struct err *err cleanup_err = NULL;
	char *root cleanup_free = ca_alone("root.pem", false);
	char *rollover cleanup_free = ca_alone("rollover.pem", true);
	char *cert2 cleanup_free = path_join(dir, "pki/rollover-signer.pem");
	char *key2 cleanup_free = path_join(dir, "pki/private/rollover-signer.key");
	struct x509_facts facts, facts2;

	assert_int_equal(x509_check_signer(cert, root, key, time(NULL), &facts, &err), 0);
	refused(cert, rollover, key, time(NULL), "cannot verify");
	assert_int_equal(x509_check_signer(cert2, keyring, key2, time(NULL), &facts2, &err), 0);
	assert_int_equal(x509_check_signer(cert2, rollover, key2, time(NULL), &facts2, &err), 0);
	refused(cert2, root, key2, time(NULL), "cannot verify");
	refused(cert2, rollover, key, time(NULL), "does not belong");
	assert_string_not_equal(facts.subject, facts2.subject);
	assert_true(llabs(facts.not_after - facts2.not_after) < DAY);
}

static void private_keys_are_private(void **state)
{
	static const char *const names[] = {"root",     "intermediate",          "signer",
					    "rollover", "rollover-intermediate", "rollover-signer"};
	char *directory cleanup_free = path_join(dir, "pki/private");
	struct stat st;

	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	for (size_t i = 0; i < array_len(names); i++) {
		char *path cleanup_free = xasprintf("%s/pki/private/%s.key", dir, names[i]);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void keys_are_never_overwritten(void **state)
{
	struct err *err cleanup_err = NULL;
	struct digest before, after;

	assert_int_equal(digest_file(key, &before, &err), 0);
	assert_int_equal(pki_init(dir, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	err_free(steal_ptr(err));
	assert_int_equal(digest_file(key, &after, &err), 0);
	assert_true(digest_eq(&before, &after));
}

static void note(void *arg, enum crl_verdict verdict, const char *text)
{
	struct str *said = arg;

	str_printf(said, "%d %s\n", (int)verdict, text);
}

/* What is said of the lists of RING for CERTS has WORD (NULL: is nothing); how many there are. */
static int lists_say(const char *certs, const char *ring, time_t now, const char *word)
{
	struct err *err cleanup_err = NULL;
	struct strv trust cleanup_strv = {0};
	struct str said cleanup_str = STR_INIT;
	int count;

	strv_push(&trust, ring);
	count = crl_look(certs, &trust, now, note, &said, &err);
	if (word)
		assert_non_null(strstr(said.buf, word));
	else
		assert_null(strstr(said.buf, "devices"));
	return count;
}

/* From the birth of a CA to its end, whatever the clock says. */
static void each_ca_has_a_list(void **state)
{
	char *directory cleanup_free = path_join(dir, "lists");
	char *ring cleanup_free = path_join(directory, "pki/keyring.pem");
	char *certs cleanup_free = path_join(directory, "pki/signer.pem");
	struct str report cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct strv trust cleanup_strv = {0};

	assert_int_equal(path_mkdirs(directory, &err), 0);
	assert_int_equal(pki_init(directory, NULL, &err), 0);
	assert_int_equal(lists_say(certs, ring, time(NULL), NULL), 4);
	assert_int_equal(lists_say(certs, ring, time(NULL) - 2 * DAY, "begins on"), 4);
	/* Then all CAs are over, and nobody needs a list (test-crl.c). */
	assert_int_equal(lists_say(certs, ring, time(NULL) + 30 * 365LL * DAY, NULL), 4);
	assert_int_equal(pki_revoke(directory, certs, NULL, &report, &err), 0);
	assert_int_equal(lists_say(certs, ring, time(NULL), "was revoked by"), 4);
	strv_push(&trust, ring);
	assert_int_equal(crl_check(certs, &trust, time(NULL), &err), -1);
	assert_ptr_equal(err->code, E_CERTIFICATE_REVOKED);
	err_free(steal_ptr(err));
	assert_int_equal(pki_renew(directory, "signer", NULL, &report, &err), 0);
	assert_int_equal(crl_check(certs, &trust, time(NULL), &err), 0);
	/* A list that another CA of that name has signed is none. */
	assert_int_equal(lists_say(certs, keyring, time(NULL), "is not signed by it"), 4);
}

/* A directory with keys as they were when the rollover CA had no signer; caller frees its path. */
static char *older_keys(const char *name)
{
	static const char *const since[] = {"rollover-signer.pem", "private/rollover-signer.key",
					    "private/rollover-intermediate.key"};
	struct err *err cleanup_err = NULL;
	char *directory = path_join(dir, name);

	assert_int_equal(path_mkdirs(directory, &err), 0);
	assert_int_equal(pki_init(directory, NULL, &err), 0);
	for (size_t i = 0; i < array_len(since); i++) {
		char *path cleanup_free = xasprintf("%s/pki/%s", directory, since[i]);

		assert_int_equal(unlink(path), 0);
	}
	return directory;
}

static void older_keys_get_what_they_lack(void **state)
{
	struct err *err cleanup_err = NULL;
	char *directory cleanup_free = older_keys("older");
	char *certs cleanup_free = path_join(directory, "pki/rollover-signer.pem");
	char *keys cleanup_free = path_join(directory, "pki/private/rollover-signer.key");
	char *ring cleanup_free = path_join(directory, "pki/keyring.pem");
	struct str before cleanup_str = STR_INIT, after cleanup_str = STR_INIT;
	struct x509_facts facts;
	struct stat st;

	assert_int_equal(file_read(ring, 1 << 20, &before, &err), 0);
	assert_int_equal(pki_init(directory, NULL, &err), 0);
	assert_int_equal(file_read(ring, 1 << 20, &after, &err), 0);
	assert_non_null(str_skip(after.buf, before.buf)); /* the list of another intermediate */
	assert_int_equal(lists_say(certs, ring, time(NULL), NULL), 5);
	assert_int_equal(x509_check_signer(certs, ring, keys, time(NULL), &facts, &err), 0);
	assert_string_equal(facts.subject, "CN = development rollover signer");
	assert_int_equal(stat(keys, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pki_init(directory, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
}

/* As a product has them: the rollover CA's key is elsewhere; and as one by mistake has them. */
static void only_the_rollover_ca_signs_its_signer(void **state)
{
	struct err *err cleanup_err = NULL;
	char *directory cleanup_free = older_keys("product");
	char *ca cleanup_free = path_join(directory, "pki/private/rollover.key");
	char *certs cleanup_free = path_join(directory, "pki/rollover-signer.pem");

	assert_int_equal(unlink(ca), 0);
	assert_int_equal(pki_init(directory, NULL, &err), -1);
	assert_non_null(strstr(err->text, "/pki/private/rollover.key'"));
	assert_int_equal(err->code->cls, ERR_USER);
	err_free(steal_ptr(err));
	assert_int_equal(file_copy(key, ca, 0600, &err), 0);
	assert_int_equal(pki_init(directory, NULL, &err), -1);
	assert_non_null(strstr(err->text, "does not belong to a certificate"));
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
	err_free(steal_ptr(err));
	assert_int_equal(unlink(ca), 0);
	assert_int_equal(file_copy(cert, ca, 0600, &err), 0);
	assert_int_equal(pki_init(directory, NULL, &err), -1);
	assert_non_null(strstr(err->text, "is not a private key"));
	assert_false(path_exists(certs));
}

static void time_is_checked(void **state)
{
	refused(cert, keyring, key, time(NULL) - DAY, "not valid before");
	refused(cert, keyring, key, time(NULL) + (PKI_SIGNER_DAYS + 1) * (time_t)DAY, "expired on");
}

static void the_key_must_belong_to_the_certificate(void **state)
{
	char *other cleanup_free = path_join(dir, "pki/private/root.key");

	refused(cert, keyring, other, time(NULL), "does not belong");
}

static void a_foreign_keyring_does_not_verify(void **state)
{
	struct err *err cleanup_err = NULL;
	char *elsewhere cleanup_free = path_join(dir, "other");
	char *foreign cleanup_free = path_join(dir, "other/pki/keyring.pem");

	assert_int_equal(path_mkdirs(elsewhere, &err), 0);
	assert_int_equal(pki_init(elsewhere, NULL, &err), 0);
	refused(cert, foreign, key, time(NULL), "cannot verify");
}

static void private_keys_do_not_pass_as_public(void **state)
{
	struct err *err cleanup_err = NULL;
	char *both cleanup_free = path_join(dir, "both.pem");
	struct str text cleanup_str = STR_INIT;

	assert_int_equal(file_read(keyring, 1 << 20, &text, &err), 0);
	assert_int_equal(file_read(key, 1 << 20, &text, &err), 0);
	assert_int_equal(file_write(both, text.buf, text.len, 0600, false, &err), 0);
	refused(cert, both, key, time(NULL), "holds a private key");
	/* Behind a NUL, where the text of a file ends for some; and as DER, which is no text. */
	text.len = 0;
	assert_int_equal(file_read(keyring, 1 << 20, &text, &err), 0);
	str_append_len(&text, "\n", 2);
	assert_int_equal(file_read(key, 1 << 20, &text, &err), 0);
	assert_int_equal(file_write(both, text.buf, text.len, 0600, false, &err), 0);
	refused(cert, both, key, time(NULL), "holds a private key");
	refused(both, keyring, key, time(NULL), "holds a private key");
	assert_int_equal(proc_run((char *[]){"openssl", "pkcs8", "-topk8", "-nocrypt", "-outform",
					     "DER", "-in", key, "-out", both, NULL},
				  &(struct proc_opts){0}, &err),
			 0);
	text.len = 0;
	assert_int_equal(file_read(keyring, 1 << 20, &text, &err), 0);
	assert_int_equal(file_read(both, 1 << 20, &text, &err), 0);
	assert_int_equal(file_write(both, text.buf, text.len, 0600, false, &err), 0);
	refused(cert, both, key, time(NULL), "holds a private key");
}

/* What would be waited for, or read for ever, is no key. */
static void what_is_no_file_is_no_key(void **state)
{
	char *pipe cleanup_free = path_join(dir, "pipe.key");
	char *large cleanup_free = path_join(dir, "large.key");
	int fd cleanup_fd = open(large, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	alarm(60);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	refused(cert, keyring, pipe, time(NULL), "is not a file");
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	refused(cert, keyring, large, time(NULL), "is too large");
	alarm(0);
}

static void a_ca_does_not_sign_bundles(void **state)
{
	char *root cleanup_free = path_join(dir, "pki/private/root.key");

	refused(keyring, keyring, root, time(NULL), "is a CA");
}

static void damaged_files_are_refused(void **state)
{
	struct err *err cleanup_err = NULL;
	char *bad cleanup_free = path_join(dir, "bad.pem");
	struct str text cleanup_str = STR_INIT;

	assert_int_equal(file_read(cert, 1 << 20, &text, &err), 0);
	text.buf[text.len / 4] ^= 1;
	assert_int_equal(file_write(bad, text.buf, text.len, 0600, false, &err), 0);
	assert_int_equal(
		x509_check_signer(bad, keyring, key, time(NULL), &(struct x509_facts){0}, &err),
		-1);
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
	assert_int_equal(file_write(bad, "", 0, 0600, false, &(struct err *){NULL}), 0);
	refused(bad, keyring, key, time(NULL), "has no certificate");
}

/*
 * A root, an intermediate and a leaf by the openssl program: what `openssl genpkey` makes the key
 * of each with, and the extendedKeyUsage of the two upper ones ("": none). The files are c.pem,
 * c.key and ring.pem.
 */
struct chain_of {
	const char *root, *middle, *leaf, *usage;
};

static const char chain_script[] =
	"cd \"$1\"; new() { openssl genpkey $2 -out $1.key; }\n"
	"sign() { openssl req -new -key $1.key -subj /CN=$1 |\n"
	"	openssl x509 -req -days 10 -out $1.crt -extfile $1.ext $2; }\n"
	"new root \"$2\"; new middle \"$3\"; new c \"$4\"\n"
	"{ echo basicConstraints=critical,CA:TRUE; echo keyUsage=critical,keyCertSign\n"
	"  [ -z \"$5\" ] || echo extendedKeyUsage=$5; } | tee root.ext >middle.ext\n"
	"{ echo basicConstraints=critical,CA:FALSE; echo keyUsage=critical,digitalSignature\n"
	"  echo extendedKeyUsage=codeSigning,emailProtection; } >c.ext\n"
	"sign root '-signkey root.key'\n"
	"sign middle '-CA root.crt -CAkey root.key -CAcreateserial'\n"
	"sign c '-CA middle.crt -CAkey middle.key -CAcreateserial'\n"
	"cat c.crt middle.crt >c.pem; cat root.crt >ring.pem; chmod 600 c.key";

/* WORD NULL: it is good. */
static void chain(const struct chain_of *c, const char *word)
{
	struct err *err cleanup_err = NULL;
	char *pem cleanup_free = path_join(dir, "c.pem"), *k cleanup_free = path_join(dir, "c.key"),
		  *ring cleanup_free = path_join(dir, "ring.pem");
	char *const argv[] = {"sh",
			      "-ec",
			      (char *)chain_script,
			      "sh",
			      dir,
			      (char *)c->root,
			      (char *)c->middle,
			      (char *)c->leaf,
			      (char *)c->usage,
			      NULL};
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {.errfd = null, .out = null};
	struct x509_facts facts;

	assert_int_equal(proc_run(argv, &opts, &err), 0);
	if (word)
		refused(pem, ring, k, time(NULL) + 5, word);
	else
		assert_int_equal(x509_check_signer(pem, ring, k, time(NULL) + 5, &facts, &err), 0);
}

#define EC(curve) "-algorithm EC -pkeyopt ec_paramgen_curve:" curve
#define RSA_BITS(n) "-algorithm RSA -pkeyopt rsa_keygen_bits:" n
/* The intermediate stands twice in c.pem: rauc could not sign. */
static void twice_is_refused(void **state)
{
	static const char script[] = "cd \"$1\"; cat middle.crt >>c.pem";
	char *const argv[] = {"sh", "-ec", (char *)script, "sh", dir, NULL};
	struct err *err cleanup_err = NULL;
	struct proc_opts opts = {0};
	char *pem cleanup_free = path_join(dir, "c.pem"), *k cleanup_free = path_join(dir, "c.key"),
		  *ring cleanup_free = path_join(dir, "ring.pem");

	chain(&(struct chain_of){EC("P-256"), EC("P-256"), EC("P-256"), ""}, NULL);
	assert_int_equal(proc_run(argv, &opts, &err), 0);
	refused(pem, ring, k, time(NULL) + 5, "c.pem' twice: take one out");
}

static void weak_keys_are_refused(void **state)
{
	static const char p256[] = EC("P-256");

	chain(&(struct chain_of){p256, p256, p256, ""}, NULL);
	chain(&(struct chain_of){RSA_BITS("2048"), EC("P-384"), RSA_BITS("2048"), ""}, NULL);
	chain(&(struct chain_of){p256, p256, EC("P-192"), ""}, "weak key: EC of 192 bits");
	chain(&(struct chain_of){p256, RSA_BITS("1024"), p256, ""}, "weak key: RSA of 1024 bits");
	/* Only the keyring has it, and rauc would take what it signs. */
	chain(&(struct chain_of){RSA_BITS("1024"), p256, p256, ""}, "ring.pem' has a weak key");
}

struct counted {
	int count;
	int64_t last; /* the end of the last one */
};

static void count_one(void *arg, const char *subject, int64_t not_before, int64_t not_after)
{
	struct counted *c = arg;

	c->count++;
	c->last = not_after;
}

/* All certificates are seen, or it is said that they are not. */
static void each_certificate_is_seen(void **state)
{
	struct err *err cleanup_err = NULL;
	struct str pem cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	struct counted c = {0};

	assert_int_equal(file_read(keyring, 1 << 20, &pem, &err), 0);
	assert_int_equal(x509_each(pem.buf, pem.len, count_one, &c), 2);
	str_append_len(&text, "\0\n", 2);
	str_append_len(&text, pem.buf, pem.len);
	assert_int_equal(x509_each(text.buf, text.len, count_one, &c), 2);
	text.len = (size_t)(strstr(pem.buf, "-----BEGIN X509 CRL") - pem.buf);
	assert_int_equal(x509_each(text.buf, text.len - 80, count_one, &c), -1);
	assert_int_equal(x509_each("none", 4, count_one, &c), 0);
	assert_int_equal(c.count, 5);
	assert_true(c.last > time(NULL));
}

/* Devices trust "BEGIN TRUSTED CERTIFICATE", too, whose key may be a weak one. */
static void trusted_certificates_are_checked(void **state)
{
	char *weak cleanup_free = path_join(dir, "weak.pem"), *ring cleanup_free = NULL;
	char *weak_key cleanup_free = path_join(dir, "weak.key");
	char *make[] = {"openssl", "req",    "-x509", "-newkey", "rsa:1024",
			"-nodes",  "-days",  "9",     "-subj",   "/CN=weak",
			"-keyout", weak_key, "-out",  weak,      NULL};
	char *trust[] = {"openssl",         "x509", "-in", weak, "-trustout", "-addtrust",
			 "emailProtection", NULL};
	struct str all cleanup_str = STR_INIT, said cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const struct proc_opts opts = {.timeout_s = 60};

	ring = path_join(dir, "trusted.pem");
	assert_int_equal(file_read(keyring, 1 << 20, &all, &err), 0);
	assert_int_equal(proc_output(make, &opts, 1 << 16, &said, &err), 0);
	assert_int_equal(proc_output(trust, &opts, 1 << 16, &all, &err), 0);
	assert_non_null(strstr(all.buf, "BEGIN TRUSTED CERTIFICATE"));
	assert_int_equal(file_write(ring, all.buf, all.len, 0644, false, &err), 0);
	refused(cert, ring, NULL, time(NULL), "weak key");
}

static void keys_that_cannot_sign_cms_are_refused(void **state)
{
	chain(&(struct chain_of){EC("P-256"), EC("P-256"), "-algorithm ED25519", ""}, "ED25519");
}

static void a_ca_that_restricts_usages_names_ours(void **state)
{
	static const char p256[] = EC("P-256");

	chain(&(struct chain_of){p256, p256, p256, "codeSigning,emailProtection"}, NULL);
	chain(&(struct chain_of){p256, p256, p256, "emailProtection"}, "lacks codeSigning");
	chain(&(struct chain_of){p256, p256, p256, "codeSigning"}, "lacks emailProtection");
	chain(&(struct chain_of){p256, p256, p256, "timeStamping"}, "lacks codeSigning");
}

static void the_mode_of_a_key_is_looked_at(void **state)
{
	struct err *err cleanup_err = NULL;
	struct x509_facts facts;

	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(x509_check_signer(cert, keyring, key, time(NULL), &facts, &err), 0);
	assert_true(facts.key_is_open);
	assert_int_equal(chmod(key, 0620), 0);
	refused(cert, keyring, key, time(NULL), "chmod 600");
	assert_int_equal(chmod(key, 0602), 0);
	refused(cert, keyring, key, time(NULL), "(mode 0602)");
	assert_int_equal(chmod(key, 0600), 0);
	assert_int_equal(x509_check_signer(cert, keyring, key, time(NULL), &facts, &err), 0);
	assert_false(facts.key_is_open);
}

/* Who can write the directory can put another key there. */
static void the_directory_of_a_key_is_looked_at(void **state)
{
	char *private cleanup_free = path_dir(key), *link cleanup_free = path_join(dir, "link.key");
	struct err *err cleanup_err = NULL;
	struct x509_facts facts;

	assert_int_equal(symlink("pki/private/signer.key", link), 0);
	assert_int_equal(chmod(private, 0702), 0);
	refused(cert, keyring, key, time(NULL), "chmod 700");
	refused(cert, keyring, link, time(NULL), "chmod 700");
	assert_int_equal(chmod(private, 0720), 0);
	refused(cert, keyring, key, time(NULL), "(mode 0720)");
	/* Nobody removes or renames another's file there. */
	assert_int_equal(chmod(private, 01777), 0);
	assert_int_equal(x509_check_signer(cert, keyring, key, time(NULL), &facts, &err), 0);
	assert_int_equal(chmod(private, 0700), 0);
	assert_int_equal(unlink(link), 0);
}

/* A self-signed leaf by the openssl program, with these extensions, as its own keyring. */
static void self_signed(const char *usage, const char *bits, const char *word)
{
	struct err *err cleanup_err = NULL;
	char *pem cleanup_free = path_join(dir, "self.pem"),
		  *k cleanup_free = path_join(dir, "self.key");
	char *const argv[] = {"openssl",    "req",
			      "-x509",      "-newkey",
			      (char *)bits, "-nodes",
			      "-days",      "10",
			      "-subj",      "/CN=t",
			      "-keyout",    k,
			      "-out",       pem,
			      "-addext",    "keyUsage=critical,digitalSignature",
			      "-addext",    "basicConstraints=critical,CA:FALSE",
			      "-addext",    (char *)usage,
			      NULL};
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {.errfd = null, .out = null};

	assert_int_equal(proc_run(argv, &opts, &err), 0);
	refused(pem, pem, k, time(NULL) + 5, word);
}

static void wrong_usages_are_refused(void **state)
{
	self_signed("extendedKeyUsage=emailProtection", "rsa:2048", "lacks codeSigning");
	self_signed("extendedKeyUsage=codeSigning", "rsa:2048", "lacks the usage emailProtection");
	self_signed("extendedKeyUsage=codeSigning,emailProtection", "rsa:1024", "RSA of 1024 bits");
}

static void chains_are_split_for_rauc(void **state)
{
	struct err *err cleanup_err = NULL;
	struct str leaf cleanup_str = STR_INIT, rest cleanup_str = STR_INIT,
			whole cleanup_str = STR_INIT;

	assert_int_equal(x509_split_chain(cert, &leaf, &rest, &err), 0);
	assert_int_equal(file_read(cert, 1 << 20, &whole, &err), 0);
	str_append(&leaf, rest.buf);
	assert_string_equal(leaf.buf, whole.buf);
	assert_true(rest.len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_keys_are_good),
		cmocka_unit_test(each_ca_has_a_signer),
		cmocka_unit_test(private_keys_are_private),
		cmocka_unit_test(keys_are_never_overwritten),
		cmocka_unit_test(each_ca_has_a_list),
		cmocka_unit_test(older_keys_get_what_they_lack),
		cmocka_unit_test(only_the_rollover_ca_signs_its_signer),
		cmocka_unit_test(time_is_checked),
		cmocka_unit_test(the_key_must_belong_to_the_certificate),
		cmocka_unit_test(a_foreign_keyring_does_not_verify),
		cmocka_unit_test(private_keys_do_not_pass_as_public),
		cmocka_unit_test(what_is_no_file_is_no_key),
		cmocka_unit_test(a_ca_does_not_sign_bundles),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(wrong_usages_are_refused),
		cmocka_unit_test(weak_keys_are_refused),
		cmocka_unit_test(twice_is_refused),
		cmocka_unit_test(each_certificate_is_seen),
		cmocka_unit_test(trusted_certificates_are_checked),
		cmocka_unit_test(keys_that_cannot_sign_cms_are_refused),
		cmocka_unit_test(a_ca_that_restricts_usages_names_ours),
		cmocka_unit_test(the_mode_of_a_key_is_looked_at),
		cmocka_unit_test(the_directory_of_a_key_is_looked_at),
		cmocka_unit_test(chains_are_split_for_rauc),
	};

	return cmocka_run_group_tests_name("pki", tests, setup, teardown);
}
