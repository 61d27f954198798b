/* What the load says besides audio, in the words of bench/events.py. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They come as templates, whose filled form the published types have judged. In each event, bytes below 8 stand for
 * what differs: 1 the call, 2 the response, 3 its metadata, 4 the event, 5 audio, 6 the item of the caller, 7 the rest
 * of a session. */
enum { CALL = 1, RESPONSE, METADATA, EVENT, AUDIO, ITEM, SESSION };
static const char *const names[GROUPS] = {"created", "updated", "before",   "delta",     "transcript",
                                          "item",    "after",   "barge_in", "truncated", "about"};

static struct said {
    char *json;
    bool wanted;
    struct said *next;
} *said[GROUPS];

int64_t events_wanted;
static int64_t events;

bool template_add(const char *group, bool wanted, const char *json)
{
    for (int g = 0; g < GROUPS; g++)
        if (!strcmp(names[g], group)) {
            struct said **at = &said[g], *one = calloc(1, sizeof *one);
            *one = (struct said){strdup(json), wanted, NULL};
            while (*at)
                at = &(*at)->next;
            *at = one;
            return true;
        }
    return false;
}

static void add(struct bytes *b, const char *form, int64_t value)
{
    char text[32];
    bytes_add(b, text, snprintf(text, sizeof text, form, (long long)value));
}

static void fill_in(struct bytes *to, const char *json, int number, const struct model *m, const char *long_one, size_t n)
{
    for (const char *rest = json; *rest;) {
        size_t plain = strcspn(rest, "\1\2\3\4\5\6\7");
        bytes_add(to, rest, plain);
        rest += plain;
        switch (*rest ? *rest++ : 0) {
        case CALL: add(to, "%08lld", number); break;
        case RESPONSE: add(to, "%06lld", m->responses); break;
        case METADATA: bytes_add(to, m->metadata, strlen(m->metadata)); break;
        case EVENT: add(to, "event_%lld", ++events); break;
        case ITEM: add(to, "%lld", m->heard); break;
        case AUDIO:
        case SESSION: bytes_add(to, long_one, n); break;
        }
    }
}

void say(struct model *m, enum group group, const char *long_one, size_t n)
{
    static struct bytes text;
    for (const struct said *one = said[group]; one; one = one->next) {
        text.start = text.end = 0;
        fill_in(&text, one->json, m->call ? m->call->number : 0, m, long_one, n);
        events_wanted += one->wanted;
        ws_send(m->conn, TEXT, text.data, text.end);
    }
}

void caller_say_metadata(struct conn *c, int number)
{
    struct bytes text = {0};
    fill_in(&text, said[ABOUT]->json, number, NULL, "", 0);
    ws_send(c, TEXT, text.data, text.end);
    free(text.data);
}
