/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/tree/ssh_key.h"

static const char ed25519[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1sEXzqzJpnqNPAPdPBhhLGPAFqnS7dCTLK5cAvIcKC";

static void wrong(const char *line, const char *want)
{
	char *why cleanup_free = ssh_key_wrong(line);

	if (!want && why)
		fail_msg("'%s' %s", line, why);
	if (want && (!why || !strstr(why, want)))
		fail_msg("'%s': '%s', not '%s'", line, why ? why : "nothing is wrong", want);
}

/* Every type that ssh-keygen makes here, with what may stand around it. */
static void test_made_by_ssh_keygen(void **state)
{
	static const char *const kinds[][2] = {
		{"ed25519", "256"}, {"rsa", "2048"},  {"ecdsa", "256"},
		{"ecdsa", "384"},   {"ecdsa", "521"},
	};
	char *program cleanup_free = path_program("ssh-keygen");
	struct err *err = NULL;

	if (!program)
		skip();
	for (size_t i = 0; i < array_len(kinds); i++) {
		struct str text cleanup_str = STR_INIT;
		char *name cleanup_free = xasprintf("key%zu", i), *line cleanup_free = NULL;
		char *pub cleanup_free = xasprintf("%s.pub", name);

		RUN("ssh-keygen", "-q", "-t", (char *)kinds[i][0], "-b", (char *)kinds[i][1], "-N",
		    "", "-C", "a comment", "-f", name);
		ok(file_read(at(pub), 1 << 20, &text, &err), &err);
		text.buf[text.len - 1] = 0;
		wrong(text.buf, NULL);
		line = xasprintf("  restrict,command=\"echo \\\"a b\\\" ssh-rsa\" %s\r", text.buf);
		wrong(line, NULL);
		/* Wherever its base64 is cut, it is. */
		for (size_t len = strcspn(strchr(text.buf, ' ') + 1, " "); len-- > 0;) {
			char *cut cleanup_free = xstrndup(
				text.buf, (size_t)(strchr(text.buf, ' ') + 1 - text.buf) + len);

			wrong(cut, "is ");
		}
	}
}

static void test_wrong(void **state)
{
	char *more cleanup_free = xasprintf("%sAAAA", ed25519);
	char *rsa cleanup_free = xasprintf("ssh-rsa %s", ed25519 + strlen("ssh-ed25519 "));
	char *foo cleanup_free = xasprintf("ssh-foo %s", ed25519 + strlen("ssh-ed25519 "));

	wrong(ed25519, NULL);
	wrong(more, "is damaged: 3 bytes follow");
	wrong(rsa, "says ssh-rsa, and its bytes are a key of type 'ssh-ed25519'");
	wrong(foo, "is not a public key");
	wrong("ssh-ed25519 AAAA!not.base64=", "not base64");
	wrong("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA app@desk", "is cut: string 2 of the 2");
	wrong("ssh-ed25519", "not base64");
	wrong("ssh-ed25519 =", "not base64");
	wrong("ssh-ed25519 ====", "is cut");
	wrong("-----BEGIN OPENSSH PRIVATE KEY-----", "is not a public key");
	wrong("command=\"open ssh-ed25519 AAAA", "is not a public key");
	wrong("ssh-dss AAAAB3NzaC1kc3M=", "is not a public key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_by_ssh_keygen),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
