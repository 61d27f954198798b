#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static int epoll_fd = -1;
static struct conn *dead;

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void die(const char *what)
{
    perror(what);
    exit(1);
}

uint8_t *bytes_grow(struct bytes *b, size_t n)
{
    if (b->start == b->end)
        b->start = b->end = 0;
    if (b->start && b->end + n > b->room) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    if (b->end + n > b->room) {
        b->room = (b->end + n) * 2;
        b->data = realloc(b->data, b->room);
        if (!b->data)
            die("memory");
    }
    b->end += n;
    return b->data + b->end - n;
}

void bytes_add(struct bytes *b, const void *data, size_t n)
{
    memcpy(bytes_grow(b, n), data, n);
}

void bytes_take(struct bytes *b, size_t n)
{
    b->start += n;
}

/* The loop */

void wire_add(struct source *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_fd < 0)
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event))
        die("epoll_ctl");
}

static void watch(struct conn *c, bool also_for_room)
{
    struct epoll_event event = {.events = EPOLLIN | (also_for_room ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->source.fd, &event);
}

/* Freed only between two rounds: another event of the same round may still name it. */
static void bury(void)
{
    while (dead) {
        struct conn *c = dead;
        dead = c->next_dead;
        free(c->in.data);
        free(c->out.data);
        free(c);
    }
}

void wire_poll(void)
{
    struct epoll_event events[256];
    int n = epoll_wait(epoll_fd, events, 256, -1);
    for (int i = 0; i < n; i++) {
        struct source *s = events[i].data.ptr;
        s->ready(s, events[i].events);
    }
    bury();
}

/* Reading and writing */

void wire_close(struct conn *c, const char *why)
{
    if (c->dead)
        return;
    c->dead = true;
    if (c->tls)
        tls_end(c->tls);
    close(c->source.fd);
    c->next_dead = dead;
    dead = c;
    if (c->role->closed)
        c->role->closed(c, why);
}

/* At once, unless something waits already: then the socket's readiness flushes both. */
void wire_flush(struct conn *c)
{
    while (!c->dead && c->out.start < c->out.end) {
        const void *from = c->out.data + c->out.start;
        size_t n = c->out.end - c->out.start;
        long sent = c->tls ? tls_write(c->tls, from, n) : send(c->source.fd, from, n, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            watch(c, true);
            return;
        }
        if (sent < 0) {
            wire_close(c, strerror(errno));
            return;
        }
        bytes_take(&c->out, sent);
    }
}

static void take_all(struct conn *c)
{
    size_t used;
    while (!c->dead && (used = wire_take(c)))
        bytes_take(&c->in, used);
}

static bool fill(struct conn *c)
{
    uint8_t *to = bytes_grow(&c->in, READ_BYTES);
    long n = c->tls ? tls_read(c->tls, to, READ_BYTES) : recv(c->source.fd, to, READ_BYTES, 0);
    c->in.end -= READ_BYTES - (n > 0 ? n : 0);
    if (n > 0)
        return true;
    if (n == 0)
        wire_close(c, "the other end went away");
    else if (errno != EAGAIN)
        wire_close(c, strerror(errno));
    return false;
}

static void conn_ready(struct source *s, uint32_t events)
{
    struct conn *c = (struct conn *)s;
    if (!c->dead && events & EPOLLOUT) {
        watch(c, false);
        wire_flush(c);
    }
    if (c->dead || !(events & ~EPOLLOUT))
        return;
    /* TLS may hold decrypted bytes of which epoll knows nothing, so it is read until there is nothing. */
    do {
        if (!fill(c))
            return;
        c->read_ns = now_ns();
        take_all(c);
    } while (c->tls && !c->dead);
}

/* Making connections */

static struct conn *made(int fd, const struct role *role, void *owner)
{
    struct conn *c = calloc(1, sizeof *c);
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->source = (struct source){fd, conn_ready};
    c->role = role;
    c->owner = owner;
    wire_add(&c->source, EPOLLIN);
    return c;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
}

int wire_listen(struct source *door, void (*ready)(struct source *, uint32_t), uint16_t port)
{
    struct sockaddr_in at = loopback(port);
    socklen_t size = sizeof at;
    int yes = 1;
    *door = (struct source){socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), ready};
    setsockopt(door->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(door->fd, (struct sockaddr *)&at, size) || listen(door->fd, 1024))
        die("listen");
    getsockname(door->fd, (struct sockaddr *)&at, &size);
    wire_add(door, EPOLLIN);
    return ntohs(at.sin_port);
}

struct conn *wire_accept(struct source *door, const struct role *role, void *tls_context)
{
    int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct conn *c = made(fd, role, NULL);
    c->tls = tls_context ? tls_begin(tls_context, fd) : NULL;
    return c;
}

struct conn *wire_connect(uint16_t port, const struct role *role, void *owner, const char *path, const char *headers)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS))
        die("connect");
    struct conn *c = made(fd, role, owner);
    char request[4096];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                     path, port, headers);
    bytes_add(&c->out, request, n);
    wire_flush(c);
    return c;
}

