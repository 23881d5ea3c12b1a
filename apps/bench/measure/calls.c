// A host call, messages there and back, bytes one way, and the life of another SIP.

#include "calls.h"

#include "munal.h"

#define FOR_EVER (-1)
#define SMALL 64
#define LARGE 65536

static uint8_t message[LARGE], reply[LARGE];

static uint64_t host_calls(uint32_t operations) {
    uint64_t last = 0, ordered = 0;
    for (uint32_t i = 0; i < operations; i++) {
        uint64_t now = munal_clock_time_now();
        ordered += now >= last;
        last = now;
    }
    return ordered;
}

// For a glue of the benchmark's own, which makes so many raw calls of this one: see tests/bench/kernel/bare.py.
static uint64_t bare_calls(uint32_t operations) {
    munal_clock_time_sleep(operations);
    return operations;
}

static uint64_t round_trips(uint32_t operations, uint32_t length) {
    uint64_t answered = 0;
    for (uint32_t i = 0; i < operations; i++) {
        message[0] = (uint8_t)i;
        message[length - 1] = (uint8_t)~i;
        int32_t got = munal_service_answer_call(message, length, reply, length);
        answered += got == (int32_t)length && reply[0] == (uint8_t)i && reply[length - 1] == (uint8_t)~i;
    }
    return answered;
}

static uint64_t small_round_trips(uint32_t operations) {
    return round_trips(operations, SMALL);
}

static uint64_t large_round_trips(uint32_t operations) {
    return round_trips(operations, LARGE);
}

static uint64_t one_way(uint32_t operations) {
    uint64_t written = 0;
    for (uint32_t i = 0; i < operations; i++) {
        for (uint32_t done = 0; done < LARGE;) {
            int32_t count = munal_stream_drain_write(message + done, LARGE - done);
            if (count < 0) {
                return written;
            }
            done += (uint32_t)count;
        }
        written++;
    }
    return written;
}

static uint64_t lives(uint32_t operations) {
    static const char name[] = "once";
    uint64_t ended = 0;
    for (uint32_t i = 0; i < operations; i++) {
        int32_t over = munal_control_once_start(name, sizeof name - 1);
        if (over < 0) {
            return ended;
        }
        ended += munal_control_once_wait(name, sizeof name - 1, (uint32_t)over, FOR_EVER) > over;
    }
    return ended;
}

int is_same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++, b++;
    }
    return *a == *b;
}

job find_call(const char *name) {
    static const struct {
        const char *name;
        job job;
    } calls[] = {{"call", host_calls},          {"bare", bare_calls}, {"service-64", small_round_trips}, {"service-65536", large_round_trips},
                 {"stream", one_way}, {"life", lives}};
    for (uint32_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (is_same(calls[i].name, name)) {
            return calls[i].job;
        }
    }
    return 0;
}
