// What the measuring programs of the Linux guest share: commands on standard input, figures on standard output.
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_SAMPLES 64

static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void fail(const char *what) {
    printf("note failed: %s\n", what);
    fflush(stdout);
    exit(1);
}

// Does a thing `operations` times and answers a checksum of what came of it.
typedef uint64_t (*job)(uint32_t operations);

static inline void measure(const char *name, uint32_t operations, uint32_t samples, job job) {
    uint64_t times[MOST_SAMPLES], checksum = 0;
    for (uint32_t i = 0; i < samples; i++) {
        uint64_t start = now(), got = job(operations), end = now();
        if (i > 0 && got != checksum) {
            fail("a program computes something else each time");
        }
        checksum = got;
        times[i] = end - start;
    }
    printf("bench %s %u %016llx", name, operations, (unsigned long long)checksum);
    for (uint32_t i = 0; i < samples; i++) {
        printf(" %llu", (unsigned long long)times[i]);
    }
    printf("\n");
    fflush(stdout);
}

// Obeys commands, NAME OPERATIONS SAMPLES a line, to the end of standard input; `find` answers NULL for an unknown name.
static inline int serve(job (*find)(const char *name)) {
    char name[64];
    uint32_t operations, samples;
    while (scanf("%63s %u %u", name, &operations, &samples) == 3) {
        job found = find(name);
        if (!found || samples < 1 || samples > MOST_SAMPLES) {
            fail(name);
        }
        measure(name, operations, samples, found);
    }
    return 0;
}

#endif
