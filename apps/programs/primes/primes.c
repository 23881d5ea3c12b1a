// Counts the primes below growing limits with the sieve of Eratosthenes, one bit for each odd number, and logs how many
// there are and how long that took. It is freestanding: all that it calls is in munal.h.

#include "munal.h"

#define LARGEST 4000000u
#define ODD_NUMBERS (LARGEST / 2)

static uint8_t composite[ODD_NUMBERS / 8]; // bit i stands for the number 2 i + 1

struct line {
    char text[96];
    uint32_t length;
};

static void put_char(struct line *line, char c) {
    if (line->length < sizeof line->text) {
        line->text[line->length++] = c;
    }
}

static void put_text(struct line *line, const char *text) {
    while (*text) {
        put_char(line, *text++);
    }
}

static void put_number(struct line *line, uint64_t value) {
    if (value >= 10) {
        put_number(line, value / 10);
    }
    put_char(line, (char)('0' + value % 10));
}

static int is_composite(uint32_t odd) {
    return composite[odd / 16] >> (odd / 2 % 8) & 1;
}

static void mark_composite(uint32_t odd) {
    composite[odd / 16] |= (uint8_t)(1u << (odd / 2 % 8));
}

// Forgets what an earlier count marked below `limit`.
static void clear(uint32_t limit) {
    for (uint32_t i = 0; i < (limit + 15) / 16; i++) {
        composite[i] = 0;
    }
}

// How many primes are below `limit`, which is even and from 4 to LARGEST.
static uint32_t count_primes(uint32_t limit) {
    uint32_t count = 1; // 2, the only even one
    clear(limit);
    for (uint32_t odd = 3; odd < limit; odd += 2) {
        if (is_composite(odd)) {
            continue;
        }
        count++;
        for (uint64_t multiple = (uint64_t)odd * odd; multiple < limit; multiple += 2 * odd) {
            mark_composite((uint32_t)multiple);
        }
    }
    return count;
}

static void report(uint32_t limit, uint32_t count, uint64_t nanoseconds) {
    struct line line = {.length = 0};
    put_number(&line, count);
    put_text(&line, " primes below ");
    put_number(&line, limit);
    put_text(&line, ", counted in ");
    put_number(&line, nanoseconds / 1000);
    put_text(&line, " us");
    munal_log_log_write(line.text, line.length);
}

void _start(void) {
    for (uint32_t limit = 4000; limit <= LARGEST; limit *= 10) {
        uint64_t start = munal_clock_time_now();
        uint32_t count = count_primes(limit);
        report(limit, count, munal_clock_time_now() - start);
    }
}
