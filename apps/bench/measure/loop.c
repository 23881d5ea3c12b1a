// A tight loop of integer arithmetic in registers, each step of which needs the one before.

#include "programs.h"

#define STEPS 1000000

uint64_t run_loop(uint32_t rounds) {
    uint64_t state = 88172645463325252u, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < STEPS; i++) {
            sum += next_random(&state) ^ i;
        }
    }
    return sum;
}
