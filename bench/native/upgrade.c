/* HTTP as far as an upgrade needs it, and websocket frames (RFC 6455). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding.h"
#include "wire.h"

#define MAX_HEAD_BYTES 65536
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* A string of the head, without regard to case; "" when it is not there. */
static const char *header_of(const char *head, const char *name, char *value, size_t room)
{
    const char *at = strcasestr(head, name);
    size_t n = 0;
    if (at) {
        at += strlen(name);
        at += strspn(at, " ");
        n = strcspn(at, "\r\n");
    }
    snprintf(value, room, "%.*s", (int)n, at ? at : "");
    return value;
}

/* Returns how many bytes were used up; 0: the message is not whole yet. */
static size_t take_request(struct conn *c, const char *head, size_t head_bytes, size_t all)
{
    char length[32];
    size_t body = strtoul(header_of(head, "\r\ncontent-length:", length, sizeof length), NULL, 10);
    if (head_bytes + body > all)
        return 0;
    c->role->request(c, head, (const char *)c->in.data + c->in.start + head_bytes, body);
    return head_bytes + body;
}

static size_t take_head(struct conn *c)
{
    const char *at = (const char *)c->in.data + c->in.start;
    size_t all = c->in.end - c->in.start;
    const char *end = memmem(at, all, "\r\n\r\n", 4);
    static char head[MAX_HEAD_BYTES];
    size_t n = end ? (size_t)(end + 4 - at) : 0;
    if (n >= sizeof head || (!end && all >= sizeof head)) {
        wire_close(c, "a head of HTTP that has no end");
        return 0;
    }
    if (!end)
        return 0;
    memcpy(head, at, n);
    head[n] = 0;
    if (!c->role->client)
        return take_request(c, head, n, all);
    if (strncmp(head, "HTTP/1.1 101", 12)) {
        head[strcspn(head, "\r")] = 0;
        wire_close(c, head);
        return 0;
    }
    c->open = true;
    c->role->opened(c);
    return n;
}

static void unmask(uint8_t *payload, size_t n, const uint8_t key[4])
{
    if (key[0] | key[1] | key[2] | key[3])
        for (size_t i = 0; i < n; i++)
            payload[i] ^= key[i & 3];
}

static void take_control(struct conn *c, int opcode, const uint8_t *payload, size_t n)
{
    if (opcode == PING)
        ws_send(c, PONG, payload, n);
    else if (opcode == CLOSE) {
        ws_send(c, CLOSE, payload, n < 2 ? n : 2);
        wire_close(c, "closed by the other end");
    }
}

static size_t take_frame(struct conn *c)
{
    uint8_t *at = c->in.data + c->in.start;
    size_t all = c->in.end - c->in.start, start = 2;
    if (all < 2)
        return 0;
    uint64_t n = at[1] & 0x7F;
    if ((at[0] & 0xF0) != 0x80) {
        wire_close(c, "a fragmented or compressed WebSocket frame: nothing offered that");
        return 0;
    }
    if (n > 125) {
        size_t wide = n == 126 ? 2 : 8;
        if (all < 2 + wide)
            return 0;
        n = 0;
        for (size_t i = 0; i < wide; i++)
            n = n << 8 | at[2 + i];
        start += wide;
    }
    bool masked = at[1] & 0x80;
    start += masked ? 4 : 0;
    if (all < start || all - start < n)
        return 0;
    if (masked)
        unmask(at + start, n, at + start - 4);
    int opcode = at[0] & 0x0F;
    if (opcode >= CLOSE)
        take_control(c, opcode, at + start, n);
    else
        c->role->message(c, opcode, at + start, n);
    return start + n;
}

size_t wire_take(struct conn *c)
{
    return c->open ? take_frame(c) : take_head(c);
}

/* Saying something */

void http_answer(struct conn *c, const char *status, const char *type, const char *body)
{
    char head[256];
    bool waited = c->out.start < c->out.end;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status, type,
                     strlen(body));
    /* 204 may carry neither (RFC 9110 §8.6). */
    if (!strncmp(status, "204", 3))
        n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n\r\n", status);
    bytes_add(&c->out, head, n);
    bytes_add(&c->out, body, strlen(body));
    if (!waited)
        wire_flush(c);
}

void ws_accept(struct conn *c, const char *head, const char *headers)
{
    char key[128], answer[512], accepted[32];
    uint8_t digest[20];
    header_of(head, "\r\nsec-websocket-key:", key, sizeof key - sizeof GUID);
    strcat(key, GUID);
    sha1((const uint8_t *)key, strlen(key), digest);
    accepted[base64_encode(digest, sizeof digest, (uint8_t *)accepted)] = 0;
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                     accepted, headers);
    bytes_add(&c->out, answer, n);
    c->open = true;
    wire_flush(c);
    if (!c->dead)
        c->role->opened(c);
}

void ws_send(struct conn *c, int opcode, const void *payload, size_t n)
{
    uint8_t head[14] = {0x80 | opcode};
    size_t wide = n < 126 ? 0 : n < 65536 ? 2 : 8, size = 2 + wide;
    bool waited = c->out.start < c->out.end;
    if (c->dead)
        return;
    head[1] = (c->role->client ? 0x80 : 0) | (wide == 0 ? n : wide == 2 ? 126 : 127);
    for (size_t i = 0; i < wide; i++)
        head[2 + i] = (uint64_t)n >> 8 * (wide - 1 - i);
    if (c->role->client) {
        memcpy(head + size, c->role->key, 4);
        size += 4;
    }
    bytes_add(&c->out, head, size);
    bytes_add(&c->out, payload, n);
    if (c->role->client)
        unmask(c->out.data + c->out.end - n, n, c->role->key);
    if (!waited)
        wire_flush(c);
}
