/* Audio that can be recognised, as bench/audio.py has it: each 20 ms frame says whose it is and which it is.
 *
 * A frame is 12 characters (whose), 12 characters (which) and noise. Linear samples at 24 kHz carry the characters as
 * bytes. At 8 kHz a frame is 160 µ-law codes, or the 160 samples that they stand for: so it is the same frame on both
 * sides of a bridge that recodes G.711, bit for bit. Where a bridge changes the rate nothing survives bit for bit:
 * then a tone of 20 ms every 500 ms is the frame, and its onset is its arrival. */
#ifndef AUDIO_H
#define AUDIO_H

#include "wire.h"

enum { FRAME_MS = 20, TAG_CHARS = 12, MAX_FRAME_BYTES = 960, TONE_EVERY = 25, MAX_SEQ = 1000000000 };

struct format {
    int rate_hz, frame_bytes, width; /* bytes that carry one character, or one µ-law code */
    uint8_t silence;
};

extern const struct format PCM24, PCM8, ULAW8;

struct stamps {
    int64_t *at;
    size_t n, room;
};

void stamp(struct stamps *s, int64_t value);

/* One direction of one call. Numbers of frames count from the beginning of the call. */
struct lane {
    const struct format *format;
    bool tones;
    uint8_t tag[2 * TAG_CHARS];
    struct stamps sent; /* of frame `base` and those after it, nanoseconds */
    struct stamps runs; /* (arrival, first frame, frames): consecutive ones that came in one message, right throughout */
    struct stamps cuts; /* (first frame, frames) that were never to arrive: speech that the caller cut short */
    int64_t base, next, expected, damaged, foreign_bytes;
    int64_t sent_samples, came_samples, quiet_samples, onsets;
    struct bytes rest;
};

void lane_init(struct lane *l, const char *whose, int number, const struct format *came, bool tones);
void lane_free(struct lane *l);
/* Writes the next frames as `as`, which the sender speaks, and notes that they are sent now; returns the bytes. */
size_t lane_speak(struct lane *l, const struct format *as, int frames, uint8_t *to);
void lane_hear(struct lane *l, const uint8_t *audio, size_t n, int64_t at_ns);
void lane_forget(struct lane *l); /* all but what may still arrive */
void lane_cut(struct lane *l);    /* what has not arrived by now shall not */
bool number_in(const uint8_t *audio, size_t n, int *number); /* the call whose caller this is; as PCM24 or ULAW8 */

#endif
