// The programs that engines are compared by: plain C17 that calls nothing, so that every compiler gets the very same source.
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdint.h>

// `run` does work of the same size `rounds` times and answers a checksum of all that it computed.
struct program {
    const char *name;
    uint64_t (*run)(uint32_t rounds);
};

#define PROGRAMS 12
extern const struct program programs[PROGRAMS];

uint64_t run_loop(uint32_t rounds);
uint64_t run_matrix(uint32_t rounds);
uint64_t run_sort(uint32_t rounds);
uint64_t run_hash(uint32_t rounds);
uint64_t run_json(uint32_t rounds);
uint64_t run_regex(uint32_t rounds);
uint64_t run_sha256(uint32_t rounds);
uint64_t run_mandelbrot(uint32_t rounds);
uint64_t run_blur(uint32_t rounds);
uint64_t run_trees(uint32_t rounds);
uint64_t run_search(uint32_t rounds);
uint64_t run_machine(uint32_t rounds);

// xorshift64* (Vigna, 2016): the programs' input, the same everywhere.
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

// FNV-1a's step for 64 bits at once: the order of what is folded matters.
static inline uint64_t fold(uint64_t checksum, uint64_t value) {
    return (checksum ^ value) * 0x100000001b3u;
}

#endif
