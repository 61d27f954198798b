/* The load: N callers, their model and the application's hook sink in one process, driven by bench/native_load.py.
 *
 * It reads commands, a line each, from stdin, and answers those that ask with a line of JSON on stdout:
 *   template GROUP WANTED JSON         what the model and the platform say (model.c)
 *   call NUMBER SLOT SLOT NS PORT PATH open a media socket; the webhook was posted at NS
 *   hangup NUMBER                      close it
 *   restart NUMBER TICKS               end the present response after so many ticks
 *   anew                               forget what has come
 *   mark                               forget how late ticks were; answers with the time and the counts
 *   late FILE                          write how late the ticks were since then; answers as mark does
 *   status                             answers with who is up, and what went wrong
 *   stamps FILE                        write when each frame was sent and came; answers with the counts
 * and ends when stdin does. It notes times; bench/figures.py makes figures of them, as it does for the Python load. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hooks.h"
#include "model.h"
#include "notes.h"

struct settings settings;
static struct source clock_source, commands;
static struct stamps late;
static int64_t due_ns, slot;

enum { SLOT_NS = 1000000 };

/* The caller's end of a media socket, as jambonz has it */

static void caller_opened(struct conn *c)
{
    struct call *call = c->owner;
    call->opened = true;
    caller_say_metadata(c, call->number);
}

static void caller_message(struct conn *c, int opcode, uint8_t *payload, size_t n)
{
    struct call *call = c->owner;
    struct lane *cuts = call ? &call->barge_ins : NULL;
    if (call && opcode == BINARY)
        lane_hear(&call->to_caller, payload, n, c->read_ns);
    else if (call && memmem(payload, n, "killAudio", 9) && cuts->next > cuts->expected) {
        int64_t run[] = {c->read_ns, cuts->expected = cuts->next - 1, 1};
        for (int i = 0; i < 3; i++)
            stamp(&cuts->runs, run[i]);
        cuts->expected++;
    }
}

static void caller_closed(struct conn *c, const char *why)
{
    struct call *call = c->owner;
    if (!call)
        return;
    call->caller = NULL;
    complain(call->dropped, why);
}

static const struct role caller_role = {
    .client = true, .opened = caller_opened, .message = caller_message, .closed = caller_closed};

static void caller_tick(struct call *call)
{
    static uint8_t audio[2 * MAX_FRAME_BYTES];
    if (!call->opened || !call->caller)
        return;
    int frames = call->to_model.sent_samples ? 1 : 2; /* jambonz' first message is double */
    size_t n = lane_speak(&call->to_model, settings.caller, frames, audio);
    ws_send(call->caller, BINARY, audio, n);
}

/* Every millisecond one twentieth of the speakers has its 20 ms; what is late is made up for at once */

static void tick(void)
{
    stamp(&late, now_ns() - due_ns);
    for (int i = 0; i <= last_call; i++) {
        struct call *call = calls[i];
        if (call && call->slots[0] == slot)
            caller_tick(call);
        if (call && call->slots[1] == slot && call->model)
            model_tick(call->model);
    }
    due_ns += SLOT_NS;
    slot = (slot + 1) % SLOTS;
}

static void clock_ready(struct source *s, uint32_t events)
{
    (void)events;
    uint64_t times;
    if (read(s->fd, &times, sizeof times) > 0)
        while (due_ns <= now_ns())
            tick();
}

static void clock_start(void)
{
    due_ns = now_ns() + SLOT_NS;
    struct itimerspec every = {{0, SLOT_NS}, {due_ns / 1000000000, due_ns % 1000000000}};
    clock_source = (struct source){timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), clock_ready};
    timerfd_settime(clock_source.fd, TFD_TIMER_ABSTIME, &every, NULL);
    wire_add(&clock_source, EPOLLIN);
}

/* Commands */

static struct call *call_of_number(const char *text)
{
    int number = atoi(text);
    return number > 0 && number < MAX_CALLS ? calls[number] : NULL;
}

static void command_call(const char *said)
{
    static const struct format none = {0};
    struct call *call = calloc(1, sizeof *call);
    int port;
    char path[2048];
    if (sscanf(said, "%d %d %d %" SCNd64 " %d %2047s", &call->number, &call->slots[0], &call->slots[1], &call->asked_ns,
               &port, path) != 6 || call->number <= 0 || call->number >= MAX_CALLS || calls[call->number]) {
        fprintf(stderr, "call: %s", said);
        exit(2);
    }
    calls[call->number] = call;
    last_call = call->number > last_call ? call->number : last_call;
    lane_init(&call->to_model, "C>M:", call->number, settings.model, settings.tones);
    lane_init(&call->to_caller, "M>C:", call->number, settings.caller, settings.tones);
    lane_init(&call->barge_ins, "    ", 0, &none, false);
    call->caller = wire_connect(port, &caller_role, call, path, "Sec-WebSocket-Protocol: audio.jambonz.org\r\n");
}

static void command_hangup(const char *said)
{
    struct call *call = call_of_number(said);
    if (!call)
        return;
    call->ending = true;
    if (call->caller) { /* the socket stays until the other end has closed it: it would be reset, else */
        call->caller->owner = NULL;
        ws_send(call->caller, CLOSE, "\x03\xe8", 2);
    }
    if (call->model)
        model_forget_call(call->model);
    calls[call->number] = NULL;
    lane_free(&call->to_model);
    lane_free(&call->to_caller);
    lane_free(&call->barge_ins);
    free(call);
}

static void command_restart(const char *said)
{
    struct call *call = call_of_number(said);
    if (call && call->model)
        call->model->restart_in = atoi(said + strcspn(said, " "));
}

static void command_anew(void)
{
    for (int i = 0; i <= last_call; i++)
        if (calls[i]) {
            lane_forget(&calls[i]->to_model);
            lane_forget(&calls[i]->to_caller);
            lane_forget(&calls[i]->barge_ins);
        }
}

static void answer_counts(void)
{
    printf("{\"now_ns\": %" PRId64 ", \"events_wanted\": %" PRId64 ", \"hooks\": %" PRId64 "}\n", now_ns(),
           events_wanted, hooks_received);
}

static void answer_status(void)
{
    int up = 0, closed = 0, mute_to_model = 0, mute_to_caller = 0;
    const char *why = complaint;
    for (int i = 0; i <= last_call; i++) {
        struct call *call = calls[i];
        if (!call)
            continue;
        up++;
        closed += !call->opened && !call->caller;
        mute_to_model += call->to_model.expected == 0;
        mute_to_caller += call->to_caller.expected == 0;
        why = call->dropped[0] ? call->dropped : why;
    }
    printf("{\"calls\": %d, \"refused\": %d, \"mute_to_model\": %d, \"mute_to_caller\": %d, \"complaint\": \"%s\"}\n", up,
           closed, mute_to_model, mute_to_caller, why);
}

static FILE *opened(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        die(path);
    return file;
}

static void command_stamps(const char *path)
{
    FILE *file = opened(path);
    write_calls(file);
    fclose(file);
    answer_counts();
}

static void command_late(const char *path)
{
    FILE *file = opened(path);
    answer_counts(); /* first: the time is the window's end; it is flushed when the file is whole */
    write_stamps(file, &late);
    fclose(file);
}

static void obey(char *line)
{
    size_t name = strcspn(line, " ");
    char *said = line + name + (line[name] != 0);
    line[name] = 0;
    if (!strcmp(line, "template")) {
        size_t group = strcspn(said, " ");
        said[group] = 0;
        template_add(said, said[group + 1] == '1', said + group + 3);
    } else if (!strcmp(line, "call"))
        command_call(said);
    else if (!strcmp(line, "hangup"))
        command_hangup(said);
    else if (!strcmp(line, "restart"))
        command_restart(said);
    else if (!strcmp(line, "anew"))
        command_anew();
    else if (!strcmp(line, "mark")) {
        late.n = 0;
        answer_counts();
    } else if (!strcmp(line, "late"))
        command_late(said);
    else if (!strcmp(line, "status"))
        answer_status();
    else if (!strcmp(line, "stamps"))
        command_stamps(said);
    fflush(stdout);
}

static void commands_ready(struct source *s, uint32_t events)
{
    static struct bytes in;
    (void)events;
    uint8_t *to = bytes_grow(&in, 65536), *end;
    long n = read(s->fd, to, 65536);
    in.end -= 65536 - (n > 0 ? n : 0);
    if (n <= 0)
        exit(0);
    while ((end = memchr(in.data + in.start, '\n', in.end - in.start))) {
        char *line = (char *)in.data + in.start;
        *end = 0;
        bytes_take(&in, (char *)end - line + 1);
        obey(line);
    }
}

/* load MODE CALLER MODEL [tones] [tls FILE]; MODE: realtime bursts barge_ins; CALLER: pcm24 pcm8; MODEL: pcm24 ulaw8 */
int main(int count, char **said)
{
    if (count < 4)
        return 2;
    settings.mode = !strcmp(said[1], "realtime") ? REALTIME : !strcmp(said[1], "bursts") ? BURSTS : BARGE_INS;
    settings.caller = !strcmp(said[2], "pcm8") ? &PCM8 : &PCM24;
    settings.model = !strcmp(said[3], "ulaw8") ? &ULAW8 : &PCM24;
    for (int i = 4; i < count; i++) {
        settings.tones |= !strcmp(said[i], "tones");
        if (!strcmp(said[i], "tls") && i + 1 < count && !(settings.tls = tls_server(said[i + 1]))) {
            fprintf(stderr, "no TLS: libssl and its headers were not there when this was built (.build/bench/load)\n");
            return 2;
        }
    }
    int model_port = model_listen(), hook_port = hooks_listen();
    commands = (struct source){STDIN_FILENO, commands_ready};
    wire_add(&commands, EPOLLIN);
    clock_start();
    printf("{\"model_port\": %d, \"sink_port\": %d}\n", model_port, hook_port);
    fflush(stdout);
    for (;;)
        wire_poll();
}
