// Wakes every 10 ms and sleeps again.

#include "munal.h"

#define INTERVAL 10000000u // nanoseconds

void _start(void) {
    for (uint64_t next = munal_clock_time_now() + INTERVAL;; next += INTERVAL) {
        munal_clock_time_sleep(next);
    }
}
