/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private keys as programs write them are found, and what only looks like one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "base/proc.h"
#include "tmp.h"

/* Runs a script of sh in the test's directory. */
static void script(const char *text)
{
	struct err *err cleanup_err = NULL;
	char *whole cleanup_free = xasprintf("cd '%s'\n%s", dir, text);
	char *const argv[] = {"sh", "-ec", whole, NULL};
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {.errfd = null, .out = null};

	assert_int_equal(proc_run(argv, &opts, &err), 0);
}

static struct str content(const char *name)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, name);
	struct str text = STR_INIT;

	if (file_read(path, 16 << 20, &text, &err) < 0)
		fail_msg("%s", err->text);
	return text;
}

/* FORM: what is said of file NAME; NULL: no key. The same in the middle of other bytes. */
static void is(const char *name, const char *form)
{
	struct str text cleanup_str = content(name), inner cleanup_str = STR_INIT;
	const char *got = private_key_in(text.buf, text.len), *again;

	str_append_len(&inner, "\0\x02\x01\x30\x30\n", 6);
	str_append_len(&inner, text.buf, text.len);
	str_append_len(&inner, "\nMIIB\x02", 6);
	again = private_key_in(inner.buf, inner.len);
	if (!form ? got || again : !got || !again || strcmp(got, form) || strcmp(again, form))
		fail_msg("%s: '%s', and '%s' among other bytes", name, got ? got : "none",
			 again ? again : "none");
}

static const char make_keys[] =
	"gen() { out=$1; shift; openssl genpkey \"$@\" -out $out.pem; }\n"
	"gen rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048\n"
	"gen ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256\n"
	"gen ed -algorithm ED25519\n"
	"for k in rsa ec ed; do\n"
	"	openssl pkey -in $k.pem -outform DER -out $k.der\n"
	"	openssl pkey -in $k.pem -pubout -out $k.pub.pem\n"
	"	openssl pkey -in $k.pem -pubout -outform DER -out $k.pub.der\n"
	"	openssl pkcs8 -topk8 -in $k.pem -passout pass:x -out $k.sealed.pem\n"
	"	openssl pkcs8 -topk8 -in $k.pem -passout pass:x -outform DER -out $k.sealed.der\n"
	"	base64 -w0 $k.der >$k.line; base64 $k.der >$k.lines\n"
	"	base64 -w0 $k.pem >$k.pem64; base64 $k.sealed.pem | sed 's/^/  /' >$k.sealed64\n"
	"	tr -d '\n' <$k.pem >$k.joined; tr '\n' ' ' <$k.pem >$k.blanks\n"
	"	base64 $k.pub.pem >$k.pub64; tr -d '\n' <$k.pub.pem >$k.pub.joined\n"
	"	basenc --base64url -w0 $k.der >$k.url\n"
	"	sed 's/^/    /' $k.pem >$k.indented; sed 's/$/\\r/' $k.pem >$k.crlf\n"
	"	{ printf '{\"key\": \"'\n"
	"	  sed 's/$/\\\\n/' $k.pem | tr -d '\\n'; echo '\"}'; } >$k.json\n"
	"	sed 's/\\\\n/\\\\\\\\n/g' $k.json >$k.twice\n"
	"	{ printf '{\"key\": \"'; base64 -w0 $k.der; echo '\"}'; } >$k.value\n"
	"	od -An -v -tx1 $k.der >$k.dump; tr -d ' ' <$k.dump >$k.hexlines\n"
	"	tr -d '\n' <$k.hexlines >$k.hex; tr a-f A-F <$k.hex >$k.HEX\n"
	"	{ echo 'key:'\n"
	"	  sed 's/^ /    /; s/\\([0-9a-f]\\) \\([0-9a-f]\\)/\\1:\\2/g; s/$/:/' $k.dump\n"
	"	} >$k.colons\n"
	"	od -An -v -tx1 $k.pub.der >$k.pubdump; tr -d ' \n' <$k.pubdump >$k.pubhex\n"
	"	iconv -f ascii -t utf-16le $k.pem >$k.little\n"
	"	iconv -f ascii -t utf-16be $k.pem >$k.big\n"
	"	sed 's/$/\\r/' $k.pem | iconv -f ascii -t utf-16 >$k.windows\n"
	"	iconv -f ascii -t utf-16 $k.pub.pem >$k.pubwide\n"
	"	{ echo 'key: |'; base64 $k.der | sed 's/^/  /'; } >$k.yaml\n"
	"done\n"
	"openssl rsa -in rsa.pem -traditional -out rsa.old.pem\n"
	"openssl rsa -in rsa.pem -traditional -outform DER -out rsa.old.der\n"
	"openssl ec -in ec.pem -outform DER -out ec.old.der\n"
	"openssl rsa -in rsa.pem -traditional -aes128 -passout pass:x -out rsa.locked.pem\n"
	"openssl req -x509 -key ec.pem -subj /CN=t -days 9 -out cert.pem\n"
	"openssl x509 -in cert.pem -outform DER -out cert.der; base64 cert.der >cert.lines\n"
	"openssl req -new -key rsa.pem -subj /CN=t -out csr.pem\n"
	"openssl req -new -key rsa.pem -subj /CN=t -outform DER -out csr.der";

static void forms_of_a_key(void **state)
{
	static const char *const keys[] = {"rsa", "ec", "ed"};
	static const struct {
		const char *suffix, *form;
	} forms[] = {
		{"pem", "PEM"},
		{"der", "DER"},
		{"sealed.pem", "PEM"},
		{"sealed.der", "DER"},
		{"indented", "PEM"},
		{"crlf", "PEM"},
		{"json", "PEM"},
		{"twice", "PEM"},
		{"joined", "PEM"},
		{"blanks", "PEM"},
		{"pem64", "base64 of PEM"},
		{"sealed64", "base64 of PEM"},
		{"line", "base64 of DER"},
		{"url", "base64 of DER"},
		{"lines", "base64 of DER"},
		{"value", "base64 of DER"},
		{"yaml", "base64 of DER"},
		{"dump", "hexadecimal of DER"},
		{"hexlines", "hexadecimal of DER"},
		{"hex", "hexadecimal of DER"},
		{"HEX", "hexadecimal of DER"},
		{"colons", "hexadecimal of DER"},
		{"little", "PEM in UTF-16"},
		{"big", "PEM in UTF-16"},
		{"windows", "PEM in UTF-16"},
		{"pub.pem", NULL},
		{"pub.der", NULL},
		{"pubdump", NULL},
		{"pubhex", NULL},
		{"pubwide", NULL},
	};

	script(make_keys);
	for (size_t k = 0; k < array_len(keys); k++) {
		for (size_t f = 0; f < array_len(forms); f++) {
			char *name cleanup_free = xasprintf("%s.%s", keys[k], forms[f].suffix);

			is(name, forms[f].form);
		}
	}
	is("rsa.old.pem", "PEM");
	is("rsa.old.der", "DER");
	is("ec.old.der", "DER");
	is("rsa.locked.pem", "PEM");
}

static void what_is_public(void **state)
{
	is("cert.pem", NULL);
	is("cert.der", NULL);
	is("cert.lines", NULL);
	is("csr.pem", NULL);
	is("csr.der", NULL);
	is("rsa.pub64", NULL);
	is("rsa.pub.joined", NULL);
}

/* By the words of PROTOCOL.key, since ssh-keygen need not be there. */
static void openssh_keys(void **state)
{
	static const char key[] = "openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01";
	static const char program[] = "openssh-key-v1\0bcrypt\0none\0aes256-ctr\0cipher";
	static const char base64[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB";
	static const char pem[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
				  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n";

	assert_string_equal(private_key_in(key, sizeof(key)), "OpenSSH");
	assert_string_equal(private_key_in(base64, sizeof(base64) - 1), "OpenSSH");
	assert_string_equal(private_key_in(pem, sizeof(pem) - 1), "PEM");
	assert_null(private_key_in(program, sizeof(program)));
}

static void words_are_no_key(void **state)
{
	static const char *const texts[] = {
		"",
		"-----BEGIN PRIVATE KEY-----",
		"A key begins with -----BEGIN PRIVATE KEY-----\nand so on, for several lines",
		"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
		"grep -q 'BEGIN RSA PRIVATE KEY' \"$1\" &&\nsomething_that_is_long_enough\n",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC (a key begins like this)",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ... and ends somewhere",
	};

	for (size_t i = 0; i < array_len(texts); i++)
		assert_null(private_key_in(texts[i], strlen(texts[i])));
}

static void pgp_keys(void **state)
{
	static const char key[] = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n"
				  "lQdGBGSZmSABEADDmVnOlhN0ZXN0\n=abcd\n";
	static const char public[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
				     "mQINBGSZmSABEADDmVnOlhN0ZXN0\n=abcd\n";

	assert_string_equal(private_key_in(key, sizeof(key) - 1), "PEM");
	assert_null(private_key_in(public, sizeof(public) - 1));
}

/* Of RFC 8037 (A.1) and RFC 7517 (A.2), with what stands around keys. */
static void json_web_keys(void **state)
{
#define OKP "\"kty\":\"OKP\",\"crv\":\"Ed25519\""
#define OKP_D "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""
#define OKP_X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
	static const char *const keys[] = {
		"{" OKP "," OKP_D "," OKP_X "}",
		"{" OKP_D "," OKP "," OKP_X "}",
		"{ \"d\" : \"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\n"
		"  \"kty\" : \"EC\", \"crv\" : \"P-256\", \"use\" : \"enc\" }",
		"{\"keys\": [{" OKP "," OKP_X "}, {\"kty\": \"RSA\", \"key_ops\": [\"sign\"],\n"
		"\"oth\": [{\"r\": \"x\"}], \"e\": \"AQAB\", \"d\":\n"
		"\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknch\"}]}",
		"key='{\\\"kty\\\":\\\"OKP\\\",\\\"d\\\":"
		"\\\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\\\"}'",
	};
	static const char *const public[] = {
		"{" OKP "," OKP_X ",\"kid\":\"a key that is public, with a name that is long\"}",
		"{" OKP "," OKP_X "} {" OKP_D "}",
		"{" OKP ",\"d\":\"the private number, in base64url\"}",
		"{" OKP ",\"digest\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
		"\"kty\"",
		"{{{{{{{{{{{{{{{{{{{{{{{{{\"kty",
	};

	for (size_t i = 0; i < array_len(keys); i++) {
		const char *form = private_key_in(keys[i], strlen(keys[i]));

		if (!form || strcmp(form, "JWK") != 0)
			fail_msg("%s: %s", keys[i], form ? form : "none");
	}
	for (size_t i = 0; i < array_len(public); i++)
		if (private_key_in(public[i], strlen(public[i])))
			fail_msg("%s", public[i]);
}

/* Any bytes at all: the sanitizers look. */
static void cut_keys(void **state)
{
	static const char *const names[] = {"rsa.der",  "ec.sealed.der", "rsa.json",
					    "ed.lines", "ec.colons",     "rsa.windows"};

	for (size_t i = 0; i < array_len(names); i++) {
		struct str text cleanup_str = content(names[i]);

		for (size_t n = 0; n < text.len; n += 7) {
			char *copy cleanup_free = xmalloc(n + !n);

			memcpy(copy, text.buf, n);
			(void)private_key_in(copy, n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_a_key), cmocka_unit_test(what_is_public),
		cmocka_unit_test(openssh_keys),   cmocka_unit_test(words_are_no_key),
		cmocka_unit_test(pgp_keys),       cmocka_unit_test(json_web_keys),
		cmocka_unit_test(cut_keys),
	};

	return cmocka_run_group_tests_name("private-key", tests, dir_setup, dir_teardown);
}
