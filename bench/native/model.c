#define _GNU_SOURCE
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding.h"

enum {
    BURST_FRAMES = 200 / FRAME_MS,
    BURST_SPEECH_FRAMES = 4000 / FRAME_MS,
    BURST_CYCLE_TICKS = 5000 / FRAME_MS,
    BARGE_IN_TICKS = 2000 / FRAME_MS,
    PAUSE_TICKS = 300 / FRAME_MS,
    TRANSCRIPT_TICKS = 240 / FRAME_MS,
    ITEM_TICKS = 1000 / FRAME_MS,
};

struct call *calls[MAX_CALLS];
int last_call;
char complaint[COMPLAINT];
static struct source door;

void complain(char where[COMPLAINT], const char *what)
{
    if (!where[0])
        snprintf(where, COMPLAINT, "%s", what);
    for (char *c = where; *c; c++) /* it goes into JSON as it is */
        *c = *c < ' ' || *c == '"' || *c == '\\' ? '\'' : *c;
}

/* Speaking */

static void speak(struct model *m, int frames)
{
    static uint8_t audio[BURST_FRAMES * MAX_FRAME_BYTES], text[BURST_FRAMES * MAX_FRAME_BYTES * 4 / 3 + 4];
    size_t n = lane_speak(&m->call->to_caller, settings.model, frames, audio);
    say(m, DELTA, (char *)text, base64_encode(audio, n, text));
}

/* Speaking in time */

static void begin(struct model *m)
{
    if (m->restart_in > 0)
        m->restart_in--;
    if (!m->asked || m->restart_in > 0)
        return;
    m->restart_in = -1;
    m->responses++;
    m->ticks = 0;
    m->speaking = true;
    lane_cut(&m->call->to_caller); /* what was cut short and is not here by now was rightly thrown away */
    say(m, BEFORE, "", 0);
    strcpy(m->metadata, "null"); /* it was that of the first response, which alone was asked for */
}

static void finish(struct model *m, enum group how, int pause_ticks)
{
    say(m, how, "", 0);
    m->speaking = false;
    m->restart_in = pause_ticks;
}

/* 4 s of speech at ten times real time, then nothing until 5 s are over; the caller may begin to speak after 2 s. */
static void speak_in_bursts(struct model *m)
{
    if (m->ticks * BURST_FRAMES <= BURST_SPEECH_FRAMES)
        speak(m, BURST_FRAMES);
    if (m->ticks == BURST_CYCLE_TICKS)
        finish(m, AFTER, 1);
    if (settings.mode == BARGE_INS && m->ticks == BARGE_IN_TICKS) {
        stamp(&m->call->barge_ins.sent, now_ns());
        m->call->barge_ins.next++;
        finish(m, BARGE_IN, BURST_CYCLE_TICKS - BARGE_IN_TICKS);
    }
}

static void speak_in_real_time(struct model *m)
{
    speak(m, 1);
    if (m->restart_in >= 0 && --m->restart_in <= 0)
        finish(m, AFTER, PAUSE_TICKS);
}

void model_tick(struct model *m)
{
    if (!m->speaking) {
        begin(m);
        return;
    }
    m->ticks++;
    if (settings.mode == REALTIME)
        speak_in_real_time(m);
    else
        speak_in_bursts(m);
    if (m->speaking && m->ticks % TRANSCRIPT_TICKS == 0)
        say(m, TRANSCRIPT, "", 0);
    if (m->speaking && m->ticks % ITEM_TICKS == 0) {
        m->heard++;
        say(m, OTHER_ITEM, "", 0);
    }
}

/* Hearing */

/* In tones nothing says whose they are. Then calls are placed one at a time, and the one without a model is it. */
static struct call *call_of(const uint8_t *audio, size_t n)
{
    int number = 0;
    if (settings.tones) {
        while (++number <= last_call && !(calls[number] && calls[number]->opened && !calls[number]->model))
            ;
        return number <= last_call ? calls[number] : NULL;
    }
    return number_in(audio, n, &number) && number < MAX_CALLS ? calls[number] : NULL;
}

static void meet(struct model *m, const uint8_t *audio, size_t n)
{
    m->call = call_of(audio, n);
    if (!m->call) {
        complain(complaint, "the model heard audio that no caller sent");
        return;
    }
    m->call->model = m;
    m->call->configured_ns = m->updated_ns;
}

static void hear(struct model *m, const uint8_t *text, size_t n)
{
    static struct bytes audio;
    audio.start = audio.end = 0;
    long bytes = base64_decode(text, n, bytes_grow(&audio, n + 4));
    if (!m->call && !m->over && bytes > 0)
        meet(m, audio.data, bytes);
    if (!m->call)
        return;
    if (bytes < 0)
        m->call->to_model.foreign_bytes += n;
    else
        lane_hear(&m->call->to_model, audio.data, bytes, m->conn->read_ns);
}

/* The object that stands behind `name`, without its braces; its length, 0 when there is none. */
static size_t object_in(const char *json, size_t n, const char *name, const char **inner)
{
    const char *at = memmem(json, n, name, strlen(name)), *end = json + n;
    int depth = 0;
    bool quoted = false;
    at = at ? memchr(at, '{', end - at) : NULL;
    for (const char *c = at; c && c < end; c++) {
        if (*c == '\\' && quoted)
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (*c == '{' || *c == '}') && (depth += *c == '{' ? 1 : -1) == 0) {
            *inner = at + 1;
            return c - at - 1;
        }
    }
    return 0;
}

static bool holds(const uint8_t *json, size_t n, const char *what)
{
    return memmem(json, n, what, strlen(what));
}

/* What is asked for is laid over the defaults by being said after them: of two equal keys, the last one is read. */
static void update(struct model *m, const char *json, size_t n)
{
    static struct bytes rest;
    const char *inner;
    size_t length = object_in(json, n, "\"session\"", &inner);
    m->updated_ns = m->conn->read_ns;
    rest.start = rest.end = 0;
    if (length) {
        bytes_add(&rest, ",", 1);
        bytes_add(&rest, inner, length);
    }
    say(m, UPDATED, (char *)rest.data, rest.end);
}

static void create(struct model *m, const char *json, size_t n)
{
    const char *inner;
    size_t length = object_in(json, n, "\"metadata\"", &inner);
    m->asked = true;
    if (length && length < sizeof m->metadata - 2)
        snprintf(m->metadata, sizeof m->metadata, "{%.*s}", (int)length, inner);
}

static void model_message(struct conn *c, int opcode, uint8_t *json, size_t n)
{
    struct model *m = c->owner;
    size_t near = n < 200 ? n : 200;
    if (opcode != TEXT)
        return;
    if (holds(json, near, "input_audio_buffer.append") || holds(json + n - near, near, "input_audio_buffer.append")) {
        const uint8_t *at = memmem(json, n, "\"audio\"", 7), *end = json + n;
        at = at ? memchr(at + 7, '"', end - at - 7) : NULL;
        const uint8_t *over = at ? memchr(at + 1, '"', end - at - 1) : NULL;
        if (over)
            hear(m, at + 1, over - at - 1);
    } else if (holds(json, n, "\"session.update\""))
        update(m, (char *)json, n);
    else if (holds(json, n, "\"response.create\""))
        create(m, (char *)json, n);
    else if (holds(json, n, "\"conversation.item.truncate\""))
        say(m, TRUNCATED, "", 0);
}

static void model_opened(struct conn *c)
{
    struct model *m = c->owner = calloc(1, sizeof *m);
    m->conn = c;
    m->restart_in = -1;
    strcpy(m->metadata, "null");
    say(m, CREATED, "", 0);
}

static void model_request(struct conn *c, const char *head, const char *body, size_t n)
{
    (void)body, (void)n;
    ws_accept(c, head, "");
}

static void model_closed(struct conn *c, const char *why)
{
    struct model *m = c->owner;
    if (m && m->call) {
        m->call->model = NULL;
        if (!m->call->ending)
            complain(m->call->dropped, why);
    }
    free(m);
}

void model_forget_call(struct model *m)
{
    m->call = NULL;
    m->speaking = m->asked = false;
    m->over = true;
}

static const struct role model_role = {
    .opened = model_opened, .message = model_message, .request = model_request, .closed = model_closed};

static void model_door(struct source *s, uint32_t events_ready)
{
    (void)events_ready;
    wire_accept(s, &model_role, settings.tls);
}

int model_listen(void)
{
    return wire_listen(&door, model_door, 0);
}
