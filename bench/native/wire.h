/* Sockets, HTTP upgrades and websocket frames (RFC 6455), only as much as a benchmark needs: one epoll loop, whole
 * frames, no extensions. Whatever else arrives is an error that the owner of the connection is told. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xA };

/* Bytes that grow at the end and are taken from the front. */
struct bytes {
    uint8_t *data;
    size_t start, end, room;
};

uint8_t *bytes_grow(struct bytes *b, size_t n); /* n more bytes at the end; returns where they begin */
void bytes_add(struct bytes *b, const void *data, size_t n);
void bytes_take(struct bytes *b, size_t n);

/* Whatever the loop waits for; the first member of all that it can wait for. */
struct source {
    int fd;
    void (*ready)(struct source *self, uint32_t events);
};

struct conn;

struct role {
    bool client;   /* asks for the upgrade, and masks what it sends (§5.3) */
    uint8_t key[4]; /* of the mask; a load that shall cost little uses zeros, which leave the payload as it is */
    void (*opened)(struct conn *c);                                        /* upgraded */
    void (*message)(struct conn *c, int opcode, uint8_t *payload, size_t n); /* TEXT or BINARY, may be changed in place */
    void (*request)(struct conn *c, const char *head, const char *body, size_t n); /* HTTP, when it is a server */
    void (*closed)(struct conn *c, const char *why); /* the connection is freed after this */
};

struct conn {
    struct source source;
    const struct role *role;
    void *owner;
    void *tls; /* of tls.c; NULL without */
    int64_t read_ns; /* when what is being handled was read */
    struct bytes in, out;
    bool open, dead;
    struct conn *next_dead;
};

int64_t now_ns(void); /* CLOCK_MONOTONIC, as Python's perf_counter_ns on Linux */
void die(const char *what);

void wire_add(struct source *s, uint32_t events);
void wire_poll(void); /* wait for something, and handle it */

int wire_listen(struct source *door, void (*ready)(struct source *, uint32_t), uint16_t port); /* returns the port */
struct conn *wire_accept(struct source *door, const struct role *role, void *tls_context); /* NULL: nobody was there */
struct conn *wire_connect(uint16_t port, const struct role *role, void *owner, const char *path, const char *headers);

void http_answer(struct conn *c, const char *status, const char *type, const char *body);
void ws_accept(struct conn *c, const char *head, const char *headers); /* answer an upgrade; calls opened() */
void ws_send(struct conn *c, int opcode, const void *payload, size_t n);
void wire_close(struct conn *c, const char *why);

/* upgrade.c for wire.c, and back */
size_t wire_take(struct conn *c); /* handle one message of what was read; returns its bytes, 0: it is not whole */
void wire_flush(struct conn *c);

/* tls.c, or nothing where there is no libssl */
void *tls_server(const char *certificate_file); /* makes a certificate for 127.0.0.1 and writes it there */
void *tls_begin(void *context, int fd);
long tls_read(void *tls, void *to, size_t n);   /* as recv: -1 with EAGAIN when there is nothing */
long tls_write(void *tls, const void *from, size_t n);
void tls_end(void *tls);

#endif
