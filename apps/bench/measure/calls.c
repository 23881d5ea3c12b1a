// A host call, messages there and back, bytes one way, and the life of another SIP.

#include "calls.h"

#include "munal.h"

#define FOR_EVER (-1)
#define SMALL 64
#define LARGE 65536

static uint8_t message[LARGE], reply[LARGE];
static const char ONCE[] = "once", WAKER[] = "waker";

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

// Sends `length` bytes and has them sent back, in one call or, where the service does not take so many, in as few as it takes.
static int there_and_back(uint32_t length) {
    static uint32_t most = LARGE;
    for (uint32_t done = 0; done < length;) {
        uint32_t piece = length - done < most ? length - done : most;
        int32_t got = munal_service_answer_call(message + done, piece, reply + done, piece);
        if (got == MUNAL_TOO_LARGE && most > SMALL) {
            most /= 2;
        } else if (got == (int32_t)piece) {
            done += piece;
        } else {
            return 0;
        }
    }
    return 1;
}

static uint64_t round_trips(uint32_t operations, uint32_t length) {
    uint64_t answered = 0;
    for (uint32_t i = 0; i < operations; i++) {
        message[0] = (uint8_t)i;
        message[length - 1] = (uint8_t)~i;
        answered += there_and_back(length) && reply[0] == (uint8_t)i && reply[length - 1] == (uint8_t)~i;
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

// Lets another SIP wake every 10 ms, or no more.
static uint64_t start_waker(uint32_t operations) {
    return munal_control_others_start(WAKER, sizeof WAKER - 1) < 0 ? 0 : operations;
}

static uint64_t stop_waker(uint32_t operations) {
    return munal_control_others_stop(WAKER, sizeof WAKER - 1) < 0 ? 0 : operations;
}

static uint64_t lives(uint32_t operations) {
    uint64_t ended = 0;
    for (uint32_t i = 0; i < operations; i++) {
        int32_t over = munal_control_others_start(ONCE, sizeof ONCE - 1);
        if (over < 0) {
            return ended;
        }
        ended += munal_control_others_wait(ONCE, sizeof ONCE - 1, (uint32_t)over, FOR_EVER) > over;
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
    } calls[] = {
        {"call", host_calls}, {"bare", bare_calls}, {"service-64", small_round_trips}, {"service-65536", large_round_trips},
        {"stream", one_way},  {"life", lives},      {"waker-on", start_waker},         {"waker-off", stop_waker},
    };
    for (uint32_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (is_same(calls[i].name, name)) {
            return calls[i].job;
        }
    }
    return 0;
}
