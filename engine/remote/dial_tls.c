/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/dial_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "base/str.h"

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO_METHOD *method;
	int fd;
	const char *host;
	char *why;
	bool lasting;
};

static void because(struct tls *t, bool lasting, char *why)
{
	if (t->why) {
		free(why);
		return;
	}
	t->why = why;
	t->lasting = lasting;
}

/* ---- what is wrong with a certificate, in words ---- */

static void say_time(struct str *s, const ASN1_TIME *time)
{
	struct tm tm = {0};
	char text[32];

	if (ASN1_TIME_to_tm(time, &tm) == 1 && strftime(text, sizeof(text), "%F %H:%M UTC", &tm))
		str_append(s, text);
	else
		str_append(s, "a time that cannot be read");
}

static void say_now(struct str *s)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	if (gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%F %H:%M UTC", &tm))
		str_printf(s, "; the clock of this machine says %s", text);
}

static void say_names(struct str *s, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const char *between = ", it is for ";

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < 4; i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type != GEN_DNS)
			continue;
		str_append(s, between);
		str_escape(s, (const char *)ASN1_STRING_get0_data(n->d.dNSName),
			   (size_t)ASN1_STRING_length(n->d.dNSName));
		between = ", ";
	}
	GENERAL_NAMES_free(names);
}

static void say_issuer(struct str *s, X509 *cert)
{
	char name[256] = "";

	X509_NAME_get_text_by_NID(X509_get_issuer_name(cert), NID_commonName, name, sizeof(name));
	if (*name) {
		str_append(s, " by '");
		str_escape(s, name, strlen(name));
		str_append(s, "'");
	}
}

static char *certificate_words(struct tls *t, X509 *cert, int problem)
{
	struct str s cleanup_str = STR_INIT;

	switch (problem) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		str_append(&s, "the server's certificate was valid until ");
		say_time(&s, X509_get0_notAfter(cert));
		say_now(&s);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		str_append(&s, "the server's certificate is valid from ");
		say_time(&s, X509_get0_notBefore(cert));
		say_now(&s);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		str_printf(&s, "the server's certificate is not for '%s'", t->host);
		say_names(&s, cert);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		str_append(&s, "the server's certificate is signed");
		say_issuer(&s, cert);
		str_append(&s, ", whom this machine does not know; name a file of who signs it "
			       "with 'ca:' in config.yaml");
		break;
	default:
		str_printf(&s, "the server's certificate is refused: %s",
			   X509_verify_cert_error_string(problem));
	}
	return str_steal(&s);
}

static int on_verify(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);

	if (!ok)
		because(t, true,
			certificate_words(t, X509_STORE_CTX_get_current_cert(x),
					  X509_STORE_CTX_get_error(x)));
	return ok;
}

/* ---- what is wrong with the rest ---- */

static const char *reason_words(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		return "the server does not speak TLS on this port; without it the scheme is "
		       "grpc://";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return "the server wants a certificate of this client, or ciphers that it has not; "
		       "'cert:' and 'key:' in config.yaml name one";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
		return "the server does not accept the certificate of this client ('cert:')";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "the server says that the certificate of this client has expired ('cert:')";
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
		return "the server does not speak HTTP/2 (ALPN h2), which gRPC needs";
	default:
		return NULL;
	}
}

/* After a call that failed, for good. */
static void tls_failed(struct tls *t, int kind)
{
	unsigned long e = ERR_peek_last_error();
	const char *words = reason_words(ERR_GET_REASON(e));

	if (words)
		because(t, true, xstrdup(words));
	else if (kind == SSL_ERROR_SSL && ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		because(t, false, xstrdup("the server closed the connection"));
	else if (kind == SSL_ERROR_SSL && ERR_reason_error_string(e))
		because(t, false, xasprintf("TLS: %s", ERR_reason_error_string(e)));
	else
		because(t, false,
			xstrdup(errno && errno != EAGAIN ? strerror(errno)
							 : "the server closed the connection"));
	ERR_clear_error();
}

/* ---- the socket below, without SIGPIPE ---- */

static int bio_write(BIO *b, const char *data, int len)
{
	struct tls *t = BIO_get_data(b);
	ssize_t n = send(t->fd, data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)n;
}

static int bio_read(BIO *b, char *buf, int len)
{
	struct tls *t = BIO_get_data(b);
	ssize_t n = recv(t->fd, buf, (size_t)len, 0);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	return (int)n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *socket_bio(struct tls *t)
{
	BIO *b;

	t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");
	BIO_meth_set_write(t->method, bio_write);
	BIO_meth_set_read(t->method, bio_read);
	BIO_meth_set_ctrl(t->method, bio_ctrl);
	b = BIO_new(t->method);
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}

/* ---- from the outside ---- */

static int refuse_file(const char *path, const char *what, struct err **err)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	err_set(err, E_REMOTE_UNREACHABLE, "'%s' cannot be used as %s: %s", path, what,
		why ? why : "it cannot be read");
	ERR_clear_error();
	return -1;
}

static int load_files(SSL_CTX *ctx, const struct dial_opts *o, struct err **err)
{
	const char *key = o->cert_key ? o->cert_key : o->cert;

	ERR_clear_error();
	if (o->ca && SSL_CTX_load_verify_file(ctx, o->ca) != 1)
		return refuse_file(o->ca, "'ca:'", err);
	if (!o->ca)
		SSL_CTX_set_default_verify_paths(ctx);
	if (o->cert && SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
		return refuse_file(o->cert, "'cert:'", err);
	if (o->cert && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse_file(key, "'key:'", err);
	return 0;
}

static void name_peer(struct tls *t)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1)
		return;
	ERR_clear_error();
	SSL_set_tlsext_host_name(t->ssl, t->host);
	SSL_set1_host(t->ssl, t->host);
}

struct tls *tls_new(const struct dial_opts *opts, int fd, struct err **err)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	BIO *bio;

	t->fd = fd;
	t->host = opts->host;
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx)
		out_of_memory(0);
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(t->ctx,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, on_verify);
	if (load_files(t->ctx, opts, err) < 0) {
		tls_free(t);
		return NULL;
	}
	t->ssl = SSL_new(t->ctx);
	if (!t->ssl)
		out_of_memory(0);
	bio = socket_bio(t);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	SSL_set_alpn_protos(t->ssl, (const unsigned char *)"\2h2", 3);
	name_peer(t);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->method);
	free(t->why);
	free(t);
}

static int check_protocol(struct tls *t)
{
	const unsigned char *alpn = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(t->ssl, &alpn, &len);
	if (len == 2 && !memcmp(alpn, "h2", 2))
		return 0;
	because(t, true, xstrdup(reason_words(SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)));
	return -1;
}

int tls_shake(struct tls *t, short *ret_waits)
{
	int rc, kind;

	ERR_clear_error();
	errno = 0;
	rc = SSL_connect(t->ssl);
	if (rc == 1)
		return check_protocol(t);
	kind = SSL_get_error(t->ssl, rc);
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		*ret_waits = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return 1;
	}
	tls_failed(t, kind);
	return -1;
}

/* Nobody renegotiates here: a read waits for bytes to come, a write for bytes to go. */
static ssize_t tls_result(struct tls *t, int rc)
{
	int kind = SSL_get_error(t->ssl, rc);

	if (rc > 0)
		return rc;
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	if (kind == SSL_ERROR_ZERO_RETURN)
		return 0;
	tls_failed(t, kind);
	errno = EPROTO;
	return -1;
}

ssize_t tls_read(struct tls *t, void *buf, size_t len)
{
	ERR_clear_error();
	errno = 0;
	return tls_result(t, SSL_read(t->ssl, buf, (int)len));
}

ssize_t tls_write(struct tls *t, const void *data, size_t len)
{
	ERR_clear_error();
	errno = 0;
	return tls_result(t, SSL_write(t->ssl, data, (int)len));
}

bool tls_pending(const struct tls *t)
{
	return SSL_pending(t->ssl) > 0;
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

bool tls_is_lasting(const struct tls *t)
{
	return t->lasting;
}
