/* The featureless relay: what a bridge cannot do without, and nothing else. It answers the call webhook with a `listen`,
 * dials the model, and carries audio both ways: base64, framing, and G.711 at 8 kHz. It reads no JSON, checks nothing,
 * calls no hook, paces nothing. What it costs is what the machine costs; it is the limit that others are held against.
 * OPENAI_REALTIME_URL (ws://127.0.0.1:PORT/…) names the model, RATE_HZ the platform's rate. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding.h"
#include "wire.h"

#define APPEND "{\"type\":\"input_audio_buffer.append\",\"audio\":\""
#define DELTA "\"response.output_audio.delta\""

struct bridge {
    struct conn *caller, *model;
};

static int rate_hz = 24000, model_port, own_port;
static uint8_t ulaw[65536];

static void model_opened(struct conn *c)
{
    static const char create[] = "{\"type\":\"response.create\"}";
    const char *format = rate_hz == 8000 ? "{\"type\":\"audio/pcmu\"}" : "{\"type\":\"audio/pcm\",\"rate\":24000}";
    char update[512];
    int n = snprintf(update, sizeof update,
                     "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"audio\":"
                     "{\"input\":{\"format\":%s},\"output\":{\"format\":%s}}}}", format, format);
    ws_send(c, TEXT, update, n);
    ws_send(c, TEXT, create, sizeof create - 1);
}

/* Each side's end is the other's. */
static void gone(struct conn *c, const char *why)
{
    struct bridge *b = c->owner;
    if (!b)
        return;
    struct conn *other = c == b->caller ? b->model : b->caller;
    *(c == b->caller ? &b->caller : &b->model) = NULL;
    if (other)
        wire_close(other, why);
    else
        free(b);
}

static void model_message(struct conn *c, int opcode, uint8_t *json, size_t n)
{
    static struct bytes audio, wide;
    struct bridge *b = c->owner;
    const uint8_t *at = opcode == TEXT && memmem(json, n < 100 ? n : 100, DELTA, sizeof DELTA - 1)
                            ? memmem(json, n, "\"delta\":\"", 9) : NULL;
    const uint8_t *end = at ? memchr(at + 9, '"', json + n - at - 9) : NULL;
    if (!end || !b->caller || !b->caller->open)
        return;
    audio.start = audio.end = wide.start = wide.end = 0;
    long bytes = base64_decode(at + 9, end - at - 9, bytes_grow(&audio, n));
    if (bytes < 0)
        return;
    if (rate_hz != 8000) {
        ws_send(b->caller, BINARY, audio.data, bytes);
        return;
    }
    int16_t *samples = (int16_t *)bytes_grow(&wide, bytes * 2);
    for (long i = 0; i < bytes; i++)
        samples[i] = ulaw_to_linear(audio.data[i]);
    ws_send(b->caller, BINARY, samples, bytes * 2);
}

static void caller_message(struct conn *c, int opcode, uint8_t *pcm, size_t n)
{
    static struct bytes text;
    struct bridge *b = c->owner;
    if (opcode != BINARY || !b->model || !b->model->open)
        return;
    if (rate_hz == 8000) {
        n /= 2;
        for (size_t i = 0; i < n; i++)
            pcm[i] = ulaw[pcm[2 * i] | pcm[2 * i + 1] << 8];
    }
    text.start = text.end = 0;
    bytes_add(&text, APPEND, sizeof APPEND - 1);
    uint8_t *to = bytes_grow(&text, n * 4 / 3 + 8);
    text.end = to - text.data + base64_encode(pcm, n, to);
    bytes_add(&text, "\"}", 2);
    ws_send(b->model, TEXT, text.data, text.end);
}

/* A mask as clients choose one; that it is always the same saves no work. */
static const struct role model_role = {
    .client = true, .key = {0x37, 0xfa, 0x21, 0x3d}, .opened = model_opened, .message = model_message, .closed = gone};

static void caller_opened(struct conn *c)
{
    struct bridge *b = c->owner = calloc(1, sizeof *b);
    b->caller = c;
    b->model = wire_connect(model_port, &model_role, b, "/v1/realtime", "Authorization: Bearer bench\r\n");
}

static void requested(struct conn *c, const char *head, const char *body, size_t n)
{
    char listen[512];
    (void)body, (void)n;
    if (!strncmp(head, "GET ", 4)) {
        ws_accept(c, head, "Sec-WebSocket-Protocol: audio.jambonz.org\r\n");
        return;
    }
    snprintf(listen, sizeof listen,
             "[{\"verb\":\"listen\",\"url\":\"ws://127.0.0.1:%d/media\",\"mixType\":\"mono\",\"sampleRate\":%d,"
             "\"bidirectionalAudio\":{\"enabled\":true,\"streaming\":true,\"sampleRate\":%d}}]",
             own_port, rate_hz, rate_hz);
    http_answer(c, "200 OK", "application/json", listen);
    wire_close(c, "answered"); /* as the load asks for it: one connection a request */
}

static const struct role caller_role = {
    .opened = caller_opened, .message = caller_message, .request = requested, .closed = gone};

static void accept_one(struct source *s, uint32_t events)
{
    (void)events;
    wire_accept(s, &caller_role, NULL);
}

int main(void)
{
    static struct source door;
    const char *url = getenv("OPENAI_REALTIME_URL"), *rate = getenv("RATE_HZ");
    if (!url || sscanf(url, "ws://127.0.0.1:%d", &model_port) != 1) {
        fprintf(stderr, "OPENAI_REALTIME_URL: ws://127.0.0.1:PORT/… is wanted\n");
        return 2;
    }
    rate_hz = rate ? atoi(rate) : rate_hz;
    for (int i = 0; i < 65536; i++)
        ulaw[i] = linear_to_ulaw((int16_t)i);
    own_port = wire_listen(&door, accept_one, 0);
    printf("listening on http://127.0.0.1:%d\n", own_port);
    fflush(stdout);
    for (;;)
        wire_poll();
}
