#define _GNU_SOURCE
#include "audio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coding.h"

const struct format PCM24 = {24000, 960, 1, 0};
const struct format PCM8 = {8000, 320, 2, 0};
const struct format ULAW8 = {8000, 160, 1, 0xFF};

enum { LOUD = 4000, TONE_HZ = 700, TONE_PEAK = 12000, QUIET_MS = 100 };

void stamp(struct stamps *s, int64_t value)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 512;
        s->at = realloc(s->at, s->room * sizeof *s->at);
        if (!s->at)
            die("memory");
    }
    s->at[s->n++] = value;
}

static void put_code(const struct format *f, uint8_t code, uint8_t *to)
{
    int16_t sample = ulaw_to_linear(code);
    if (f->width == 1)
        *to = code;
    else
        memcpy(to, &sample, sizeof sample);
}

static void put_chars(const struct format *f, const char *chars, uint8_t *to)
{
    for (int i = 0; i < TAG_CHARS; i++)
        put_code(f, chars[i], to + i * f->width);
}

static uint32_t random_bits(void)
{
    static uint64_t state = 88172645463325252u; /* xorshift64: the same noise in every run */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 16;
}

/* No sample is 0, so that padding is told from speech, and none is -1, which jambonz takes for a mark. */
static void make_noise(uint8_t pcm[MAX_FRAME_BYTES], uint8_t codes[MAX_FRAME_BYTES])
{
    for (int i = 0; i < MAX_FRAME_BYTES; i += 2) {
        int16_t sample = 2 + random_bits() % 8998;
        sample = random_bits() & 1 ? -sample : sample;
        memcpy(pcm + i, &sample, sizeof sample);
    }
    for (int i = 0; i < MAX_FRAME_BYTES; i++)
        codes[i] = random_bits() % 0x7F | (random_bits() & 1 ? 0x80 : 0); /* neither zero of µ-law: 0x7F, 0xFF */
}

static const uint8_t *noise_of(const struct format *f)
{
    static uint8_t pcm[MAX_FRAME_BYTES], codes[MAX_FRAME_BYTES], linear[2 * MAX_FRAME_BYTES];
    if (!pcm[0] && !pcm[1]) {
        make_noise(pcm, codes);
        for (int i = 0; i < MAX_FRAME_BYTES; i++)
            put_code(&PCM8, codes[i], linear + 2 * i);
    }
    return f == &PCM24 ? pcm : f == &ULAW8 ? codes : linear;
}

static void seq_image(const struct format *f, int64_t seq, uint8_t *to)
{
    char chars[TAG_CHARS];
    chars[0] = '#';
    for (int i = TAG_CHARS - 1; i > 0; i--, seq /= 10)
        chars[i] = '0' + seq % 10;
    put_chars(f, chars, to);
}

/* The number that stands behind a '#'; -1 when none does. */
static int64_t seq_in(const struct format *f, const uint8_t *at)
{
    int64_t seq = 0;
    for (int i = 1; i < TAG_CHARS; i++) {
        uint8_t code = f->width == 1 ? at[i] : linear_to_ulaw((int16_t)(at[2 * i] | at[2 * i + 1] << 8));
        if (code < '0' || code > '9')
            return -1;
        seq = seq * 10 + code - '0';
    }
    return seq < MAX_SEQ ? seq : -1;
}

bool number_in(const uint8_t *audio, size_t n, int *number)
{
    char digits[9] = {0};
    if (n < TAG_CHARS || memcmp(audio, "C>M:", 4))
        return false;
    memcpy(digits, audio + 4, 8);
    *number = atoi(digits);
    return true;
}

void lane_init(struct lane *l, const char *whose, int number, const struct format *came, bool tones)
{
    char chars[32];
    memset(l, 0, sizeof *l);
    l->format = came;
    l->tones = tones;
    snprintf(chars, sizeof chars, "%.4s%08d", whose, number);
    put_chars(came, chars, l->tag);
}

void lane_free(struct lane *l)
{
    free(l->sent.at);
    free(l->runs.at);
    free(l->cuts.at);
    free(l->rest.data);
}

/* Speaking */

static void tone(const struct format *f, bool loud, uint8_t *to)
{
    for (int i = 0; i < f->frame_bytes / 2; i++) {
        int16_t sample = loud ? TONE_PEAK * sin(2 * M_PI * TONE_HZ * (i + 0.5) / f->rate_hz) : 0;
        memcpy(to + 2 * i, &sample, sizeof sample);
    }
}

size_t lane_speak(struct lane *l, const struct format *as, int frames, uint8_t *to)
{
    int64_t at_ns = now_ns();
    int tag_bytes = TAG_CHARS * as->width;
    for (int i = 0; i < frames; i++, to += as->frame_bytes) {
        int64_t count = l->sent_samples / (l->format->rate_hz * FRAME_MS / 1000);
        l->sent_samples += l->format->rate_hz * FRAME_MS / 1000;
        if (l->tones)
            tone(as, count % TONE_EVERY == 0, to);
        if (l->tones && count % TONE_EVERY)
            continue;
        stamp(&l->sent, at_ns);
        l->next++;
        if (l->tones)
            continue;
        for (int k = 0; k < TAG_CHARS; k++) /* the tag is kept as it will come, which may be another format */
            put_code(as, l->format->width == 1 ? l->tag[k] : linear_to_ulaw(l->tag[2 * k] | l->tag[2 * k + 1] << 8),
                     to + k * as->width);
        seq_image(as, l->next - 1, to + tag_bytes);
        memcpy(to + 2 * tag_bytes, noise_of(as), as->frame_bytes - 2 * tag_bytes);
    }
    return (size_t)frames * as->frame_bytes;
}

/* Hearing */

static void came(struct lane *l, int64_t first, int64_t count, int64_t at_ns)
{
    l->expected = first + count;
    int64_t forgotten = first < l->base ? l->base - first : 0;
    if (count <= forgotten)
        return;
    stamp(&l->runs, at_ns);
    stamp(&l->runs, first + forgotten);
    stamp(&l->runs, count - forgotten);
}

/* Whether this is a frame of ours, sample for sample; -1 when it is not. */
static int64_t frame_at(const struct lane *l, const uint8_t *at)
{
    const struct format *f = l->format;
    int tag_bytes = TAG_CHARS * f->width;
    uint8_t mark[2];
    put_code(f, '#', mark);
    if (memcmp(at, l->tag, tag_bytes) || memcmp(at + tag_bytes, mark, f->width))
        return -1;
    if (memcmp(at + 2 * tag_bytes, noise_of(f), f->frame_bytes - 2 * tag_bytes))
        return -1;
    return seq_in(f, at + tag_bytes);
}

static size_t silence_at(const struct lane *l, const uint8_t *at, size_t n)
{
    size_t i = 0;
    while (i < n && at[i] == l->format->silence)
        i++;
    return i;
}

/* How far it is to the next place where a frame of ours might begin. */
static size_t to_skip(const struct lane *l, const uint8_t *at, size_t n)
{
    size_t tag_bytes = TAG_CHARS * l->format->width;
    const uint8_t *next = n > tag_bytes ? memmem(at + 1, n - 1, l->tag, tag_bytes) : NULL;
    return next ? (size_t)(next - at) : n >= tag_bytes ? n - tag_bytes + 1 : 1;
}

static void skip(struct lane *l)
{
    size_t n = to_skip(l, l->rest.data + l->rest.start, l->rest.end - l->rest.start);
    l->foreign_bytes += n;
    bytes_take(&l->rest, n);
}

/* Frames may be cut and joined anyhow, with silence between them; what is left over waits for more. */
static void search(struct lane *l, int64_t at_ns)
{
    size_t frame_bytes = l->format->frame_bytes, tag_bytes = TAG_CHARS * l->format->width;
    int64_t first = 0, count = 0;
    for (;;) {
        const uint8_t *at = l->rest.data + l->rest.start;
        size_t n = l->rest.end - l->rest.start, silent = silence_at(l, at, n);
        bytes_take(&l->rest, silent);
        if ((n -= silent) < frame_bytes)
            break;
        if (memcmp(at += silent, l->tag, tag_bytes)) {
            skip(l);
            continue;
        }
        int64_t seq = frame_at(l, at);
        bytes_take(&l->rest, frame_bytes);
        l->damaged += seq < 0;
        if (seq < 0)
            continue;
        if (count && seq != first + count) {
            came(l, first, count, at_ns);
            count = 0;
        }
        first = count ? first : seq;
        count++;
    }
    if (count)
        came(l, first, count, at_ns);
    size_t left = l->rest.end - l->rest.start;
    if (left && memcmp(l->rest.data + l->rest.start, l->tag, left < tag_bytes ? left : tag_bytes))
        skip(l);
}

/* An onset is that of the latest tone that was sent: no bridge that can be talked over is 500 ms late. */
static void hear_tones(struct lane *l, const uint8_t *audio, size_t n, int64_t at_ns)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        int16_t sample = audio[i] | audio[i + 1] << 8;
        l->quiet_samples++;
        l->came_samples++;
        if (abs(sample) < LOUD)
            continue;
        if (l->quiet_samples > (int64_t)QUIET_MS * l->format->rate_hz / 1000 && l->next)
            came(l, l->next - 1, 1, at_ns);
        l->quiet_samples = 0;
    }
}

void lane_hear(struct lane *l, const uint8_t *audio, size_t n, int64_t at_ns)
{
    size_t frame_bytes = l->format->frame_bytes, i = 0;
    if (l->tones) {
        hear_tones(l, audio, n, at_ns);
        return;
    }
    if (n % frame_bytes == 0 && l->rest.start == l->rest.end)
        while (i < n && frame_at(l, audio + i) == l->expected + (int64_t)(i / frame_bytes))
            i += frame_bytes;
    if (n && i == n) {
        came(l, l->expected, n / frame_bytes, at_ns);
        return;
    }
    bytes_add(&l->rest, audio, n);
    search(l, at_ns);
}

void lane_forget(struct lane *l)
{
    int64_t gone = l->expected - l->base;
    if (gone > (int64_t)l->sent.n)
        gone = l->sent.n;
    if (gone > 0) {
        memmove(l->sent.at, l->sent.at + gone, (l->sent.n - gone) * sizeof *l->sent.at);
        l->sent.n -= gone;
        l->base += gone;
    }
    l->runs.n = l->cuts.n = 0;
}

void lane_cut(struct lane *l)
{
    if (l->expected >= l->next)
        return;
    stamp(&l->cuts, l->expected);
    stamp(&l->cuts, l->next - l->expected);
    l->expected = l->next;
}
