/* TLS for the model's door, with a certificate of its own; without libssl nothing of it. */
#include "wire.h"

#ifdef WITH_TLS
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static bool add_extension(X509 *made, int which, const char *value)
{
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, which, value);
    bool added = one && X509_add_ext(made, one, -1);
    X509_EXTENSION_free(one);
    return added;
}

static X509 *certificate(EVP_PKEY *key)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 24 * 3600);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"benchmark", -1, -1, 0);
    X509_set_issuer_name(made, name);
    /* It is its own authority, and Python from 3.13 on wants that said by the book (VERIFY_X509_STRICT). */
    bool whole = add_extension(made, NID_basic_constraints, "critical,CA:TRUE") &&
                 add_extension(made, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
                 add_extension(made, NID_subject_key_identifier, "none") &&
                 add_extension(made, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    return whole && X509_sign(made, key, EVP_sha256()) ? made : NULL;
}

void *tls_server(const char *certificate_file)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *own = certificate(key);
    FILE *file = fopen(certificate_file, "w");
    if (!own || !file || !PEM_write_X509(file, own) || fclose(file))
        die(certificate_file);
    SSL_CTX_use_certificate(context, own);
    SSL_CTX_use_PrivateKey(context, key);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    return context;
}

void *tls_begin(void *context, int fd)
{
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    SSL_set_accept_state(tls);
    return tls;
}

/* What was not done, as a socket would say it: 0 at the end, else -1 with errno. */
static long as_socket(SSL *tls, int done)
{
    int why = SSL_get_error(tls, done);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

long tls_read(void *tls, void *to, size_t n)
{
    size_t read = 0;
    int done = SSL_read_ex(tls, to, n, &read);
    return done > 0 ? (long)read : as_socket(tls, done);
}

long tls_write(void *tls, const void *from, size_t n)
{
    size_t written = 0;
    int done = SSL_write_ex(tls, from, n, &written);
    return done > 0 ? (long)written : as_socket(tls, done);
}

void tls_end(void *tls)
{
    SSL_shutdown(tls);
    SSL_free(tls);
}

#else

void *tls_server(const char *certificate_file) { (void)certificate_file; return NULL; }
void *tls_begin(void *context, int fd) { (void)context, (void)fd; return NULL; }
long tls_read(void *tls, void *to, size_t n) { (void)tls, (void)to, (void)n; return -1; }
long tls_write(void *tls, const void *from, size_t n) { (void)tls, (void)from, (void)n; return -1; }
void tls_end(void *tls) { (void)tls; }

#endif
