/* The calls under load and their model: an OpenAI-Realtime-compatible server that speaks recognisable audio. */
#ifndef MODEL_H
#define MODEL_H

#include "audio.h"

enum mode { REALTIME, BURSTS, BARGE_INS };
enum { MAX_CALLS = 65536, SLOTS = 20, COMPLAINT = 160 };

struct model {
    struct conn *conn;
    struct call *call; /* NULL until it is known whose it is: a caller's audio tells */
    bool asked;        /* there was a response.create */
    bool speaking;
    bool over;         /* its call was hung up: whatever comes yet is nobody's */
    char metadata[1024]; /* of the response that was asked for, as JSON */
    int responses, heard, ticks, restart_in; /* restart_in: ticks until the response ends, or the next one begins */
    int64_t updated_ns;
};

struct call {
    int number, slots[2]; /* in which millisecond of each 20 the caller speaks, and the model */
    int64_t asked_ns, configured_ns; /* the webhook was posted; the session.update arrived */
    bool opened, ending;
    char dropped[COMPLAINT];
    struct conn *caller;
    struct model *model;
    struct lane to_model, to_caller;
    struct lane barge_ins; /* no audio: each speech_started, and when the platform was told to fall silent */
};

extern struct settings {
    enum mode mode;
    bool tones;
    const struct format *caller, *model;
    void *tls;
} settings;

extern struct call *calls[MAX_CALLS];
extern int last_call; /* the highest number in use */
extern int64_t events_wanted; /* events sent that the eventHook's filter picks */
extern char complaint[COMPLAINT];

void complain(char where[COMPLAINT], const char *what);
enum group { CREATED, UPDATED, BEFORE, DELTA, TRANSCRIPT, OTHER_ITEM, AFTER, BARGE_IN, TRUNCATED, ABOUT, GROUPS };
bool template_add(const char *group, bool wanted, const char *json);
void say(struct model *m, enum group group, const char *long_one, size_t n); /* long_one: audio, or a session */
int model_listen(void);
void model_tick(struct model *m);
void model_forget_call(struct model *m); /* the call is freed */
void caller_say_metadata(struct conn *c, int number);

#endif
