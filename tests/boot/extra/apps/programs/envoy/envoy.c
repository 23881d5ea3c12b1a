// Asks for one thing after the other, and tells what came: a line each, with the answers as numbers.

#include "munal.h"

#define FOR_EVER (-1)
#define AT_ONCE 0
#define MILLISECONDS 1000000
#define READ 1
#define WRITE 2
#define SHARE 4
#define MOST 64
#define MEGABYTE (1u << 20)
#define GUESS_STEP 262139u
#define OWN_HANDLES 3u

static char request[MEGABYTE + 1], reply[MEGABYTE];
static uint32_t console;
static char line[256];
static uint32_t used;

static void text(const char *words) {
    while (*words) line[used++] = *words++;
}

static void number(int32_t value) {
    char digits[12];
    uint32_t count = 0, rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    text(value < 0 ? " -" : " ");
    while (count) line[used++] = digits[--count];
}

static void end_of_line(void) {
    line[used++] = '\n';
    for (uint32_t sent = 0; sent < used;) {
        int32_t count = munal_handle_stream_write(console, line + sent, used - sent);
        if (count < 0) munal_sip_exit(1);
        sent += (uint32_t)count;
    }
    used = 0;
}

static void tell(const char *what) {
    text("envoy: ");
    text(what);
}

static int32_t receive(uint32_t *slots, uint32_t count, int64_t timeout) {
    return munal_channel_jobs_receive(reply, sizeof reply, slots, count, timeout);
}

static int32_t ask(char what) {
    return munal_service_echo_call(&what, 1, reply, sizeof reply);
}

// A reply that is the request, byte for byte.
static int32_t echo(uint32_t length) {
    for (uint32_t at = 0; at < length; at++) request[at] = (char)(at * 7 + length);
    request[0] = 'e';
    int32_t answer = munal_service_echo_call(request, length, reply, sizeof reply);
    for (uint32_t at = 0; at < length && answer >= 0; at++)
        if (reply[at] != request[at]) return -1000;
    return answer;
}

static void rights_only_shrink(void) {
    uint32_t less = (uint32_t)munal_handle_duplicate(console, WRITE);
    tell("rights");
    number(munal_handle_what(console));
    number(munal_handle_what(less));
    number(munal_handle_duplicate(console, READ | WRITE));
    number(munal_handle_duplicate(less, WRITE));
    number(munal_handle_stream_try_read(console, reply, 1));
    number(munal_handle_duplicate(munal_service_plain_handle(), WRITE));
    number(munal_handle_channel_send(less, "x", 1, 0, 0, AT_ONCE));
    end_of_line();
    tell("closed");
    number(munal_handle_close(less));
    number(munal_handle_close(less));
    number(munal_handle_what(less));
    number(munal_handle_stream_write(less, "lost", 4));
    number(munal_handle_close(munal_channel_jobs_handle()));
    end_of_line();
}

// All that is no handle of its own is refused, wherever in the 32 bits it lies; and a number that its wiring has is no received one.
static void guesses_reach_nothing(void) {
    int32_t reached = 0, tried = 0;
    for (uint32_t guess = OWN_HANDLES; guess >= OWN_HANDLES; guess += GUESS_STEP, tried++) {
        if (guess != console && munal_handle_what(guess) != MUNAL_BAD_HANDLE) reached++;
        if (guess > UINT32_MAX - GUESS_STEP) break;
    }
    tell("guesses");
    number(tried);
    number(reached);
    number(munal_handle_service_call(munal_service_echo_handle(), "e", 1, reply, 1, FOR_EVER));
    end_of_line();
}

static void a_quota_holds(void) {
    uint32_t held[MOST], count = 0;
    int32_t made;
    while (count < MOST && (made = munal_handle_duplicate(console, WRITE)) >= 0) held[count++] = (uint32_t)made;
    tell("quota");
    number((int32_t)count);
    number(made);
    while (count) munal_handle_close(held[--count]);
    number(munal_handle_close((uint32_t)munal_handle_duplicate(console, WRITE)));
    end_of_line();
}

static void services_answer(void) {
    tell("service");
    number(echo(64));
    number(echo(MEGABYTE));
    number(munal_service_echo_call(request, MEGABYTE + 1, reply, sizeof reply));
    number(munal_service_echo_call("eleven chars", 12, reply, 2));
    number(munal_service_echo_call_within("silent", 6, reply, sizeof reply, 2 * MILLISECONDS));
    munal_channel_jobs_send("go", 2, 0, 0, FOR_EVER);
    number(echo(100));
    end_of_line();
    int32_t other = munal_handle_duplicate(munal_service_echo_handle(), WRITE | SHARE);
    tell("asks by a handle");
    number(munal_handle_what((uint32_t)other));
    number(munal_handle_service_call((uint32_t)other, "e", 1, reply, sizeof reply, FOR_EVER));
    number(munal_handle_close((uint32_t)other));
    end_of_line();
}

static void queues_are_bounded(void) {
    char letter = 'a' - 1;
    int32_t sent;
    do letter++, sent = munal_channel_jobs_send(&letter, 1, 0, 0, AT_ONCE);
    while (sent == 0);
    tell("queue");
    number(letter - 'a');
    number(sent);
    number(munal_channel_jobs_send(&letter, 1, 0, 0, 2 * MILLISECONDS));
    number(munal_channel_jobs_send(request, (64 << 10) + 1, 0, 0, AT_ONCE));
    number(ask('d'));
    for (uint32_t at = 0; at < 5; at++) line[used++] = at ? reply[at] : ' ';
    number(munal_channel_jobs_receive(reply, 1, 0, 0, AT_ONCE));
    number(munal_channel_jobs_receive(reply, 1, 0, 0, 2 * MILLISECONDS));
    end_of_line();
}

static void handles_move(void) {
    uint32_t moved = (uint32_t)munal_handle_duplicate(console, WRITE | SHARE), slot = 1, many[9] = {0}, twice[2] = {moved, moved};
    tell("moved");
    number(munal_channel_jobs_send("twice", 5, twice, 2, FOR_EVER));
    number(munal_channel_jobs_send("many", 4, many, 9, FOR_EVER));
    number(munal_channel_jobs_send("moved", 5, &moved, 1, FOR_EVER));
    number(munal_handle_what(moved));
    number(munal_channel_jobs_send("again", 5, &moved, 1, FOR_EVER));
    number(ask('d'));
    number(ask('b'));
    number(receive(&slot, 1, FOR_EVER));
    number(munal_handle_what(slot));
    end_of_line();
    uint32_t first = console;
    console = slot;
    tell("writes with what came back");
    end_of_line();
    console = first;
    uint32_t rest = 1;
    tell("closed for want of a slot");
    number(munal_channel_jobs_send("moved", 5, &slot, 1, FOR_EVER));
    number(ask('d'));
    number(ask('b'));
    number(receive(0, 0, FOR_EVER));
    number(ask('b'));
    number(receive(&rest, 1, 20 * MILLISECONDS));
    end_of_line();
}

static void waits_for_several(void) {
    struct munal_poll polls[2] = {{munal_channel_jobs_handle(), MUNAL_EVENT_READABLE, 0}, {munal_service_echo_handle(), MUNAL_EVENT_CLOSED, 0}};
    struct munal_poll gone = {console ^ 1u << 20, MUNAL_EVENT_READABLE, 0};
    tell("waits");
    number(munal_sip_wait(polls, 2, 2 * MILLISECONDS));
    number(ask('p'));
    number(munal_sip_wait(polls, 2, FOR_EVER));
    number(munal_sip_wait(polls, 2, FOR_EVER));
    number(polls[0].ready);
    number(polls[1].ready);
    number(receive(0, 0, FOR_EVER));
    number(munal_sip_wait(polls, 2, AT_ONCE));
    number(munal_sip_wait(&gone, 1, AT_ONCE));
    end_of_line();
}

static void peers_end(void) {
    uint32_t again = 0;
    struct munal_poll closed = {munal_channel_jobs_handle(), MUNAL_EVENT_CLOSED, 0};
    tell("restarted");
    number(ask('x'));
    number(echo(8));
    number(receive(&again, 1, FOR_EVER));
    number(munal_handle_close(again));
    number(munal_sip_wait(&closed, 1, AT_ONCE));
    end_of_line();
    tell("ended");
    number(ask('q'));
    number(receive(0, 0, FOR_EVER));
    number(ask('e'));
    number(munal_channel_jobs_send("x", 1, 0, 0, FOR_EVER));
    number(munal_sip_wait(&closed, 1, FOR_EVER));
    number(closed.ready);
    end_of_line();
}

void _start(void) {
    if (receive(&console, 1, FOR_EVER) != 7) munal_sip_exit(1);
    text("\nmunal envoy"); // as the kernel's banner: what comes before one is taken for the firmware's
    end_of_line();
    rights_only_shrink();
    guesses_reach_nothing();
    a_quota_holds();
    services_answer();
    queues_are_bounded();
    handles_move();
    waits_for_several();
    peers_end();
    tell("done");
    end_of_line();
}
