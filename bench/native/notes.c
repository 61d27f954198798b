/* What the load noted, written down as 64-bit integers of this machine; bench/native_load.py reads it. */
#include "notes.h"

#include <stdlib.h>

void write_stamps(FILE *file, const struct stamps *s)
{
    if (s->n)
        fwrite(s->at, sizeof *s->at, s->n, file);
}

static void write_lane(FILE *file, struct lane *l)
{
    int64_t ms = l->format->rate_hz / 1000;
    int64_t held_ms = ms ? (l->sent_samples - l->came_samples) / ms : 0;
    int64_t about[] = {l->sent.n, l->runs.n / 3, l->cuts.n / 2, l->damaged, l->tones ? held_ms : 0};
    for (size_t i = 1; i < l->runs.n; i += 3)
        l->runs.at[i] -= l->base;
    for (size_t i = 0; i < l->cuts.n; i += 2)
        l->cuts.at[i] -= l->base;
    fwrite(about, sizeof about, 1, file);
    write_stamps(file, &l->sent);
    write_stamps(file, &l->runs);
    write_stamps(file, &l->cuts);
    lane_forget(l);
}

void write_calls(FILE *file)
{
    int64_t n_calls = 0;
    for (int i = 0; i <= last_call; i++)
        n_calls += !!calls[i];
    fwrite(&n_calls, sizeof n_calls, 1, file);
    for (int i = 0; i <= last_call; i++)
        if (calls[i]) {
            int64_t about[] = {i, !!calls[i]->dropped[0],
                               calls[i]->configured_ns ? calls[i]->configured_ns - calls[i]->asked_ns : -1};
            fwrite(about, sizeof about, 1, file);
            write_lane(file, &calls[i]->to_model);
            write_lane(file, &calls[i]->to_caller);
            write_lane(file, &calls[i]->barge_ins);
        }
}
