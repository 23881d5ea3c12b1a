// An interpreter: a small machine with eight registers that runs the sieve of Eratosthenes. One switch, taken very often.

#include "programs.h"

#define LIMIT 8192

enum operation { SET, ADD, LESS, JUMP_IF, JUMP_UNLESS, LOAD, STORE, COPY, HALT };

struct instruction {
    uint8_t operation, a, b, c;
    int32_t value;
};

// Registers: 0 candidate, 1 multiple, 2 limit, 3 flag, 4 one, 5 count, 6 loaded.
static const struct instruction code[] = {
    {SET, 0, 0, 0, 2},      {SET, 2, 0, 0, LIMIT}, {SET, 4, 0, 0, 1},       {SET, 5, 0, 0, 0},
    {LESS, 3, 0, 2, 0},     {JUMP_UNLESS, 3, 0, 0, 17},                     // 4: while candidate < limit
    {LOAD, 6, 0, 0, 0},     {JUMP_IF, 6, 0, 0, 15},                         //    if not marked
    {ADD, 5, 5, 4, 0},      {ADD, 1, 0, 0, 0},                              //      count, multiple = 2 candidate
    {LESS, 3, 1, 2, 0},     {JUMP_UNLESS, 3, 0, 0, 15},                     // 10:  while multiple < limit
    {STORE, 4, 1, 0, 0},    {ADD, 1, 1, 0, 0},     {JUMP_IF, 4, 0, 0, 10},  //        mark it
    {ADD, 0, 0, 4, 0},      {JUMP_IF, 4, 0, 0, 4},                          // 15: next candidate
    {HALT, 0, 0, 0, 0},
};

static uint8_t marks[LIMIT];

static uint64_t interpret(void) {
    int32_t registers[8] = {0};
    uint64_t executed = 0;
    for (const struct instruction *at = code;; executed++) {
        const struct instruction now = *at++;
        switch (now.operation) {
        case SET:
            registers[now.a] = now.value;
            break;
        case ADD:
            registers[now.a] = registers[now.b] + registers[now.c];
            break;
        case LESS:
            registers[now.a] = registers[now.b] < registers[now.c];
            break;
        case JUMP_IF:
            at = registers[now.a] ? code + now.value : at;
            break;
        case JUMP_UNLESS:
            at = registers[now.a] ? at : code + now.value;
            break;
        case LOAD:
            registers[now.a] = marks[registers[now.b]];
            break;
        case STORE:
            marks[registers[now.b]] = (uint8_t)registers[now.a];
            break;
        case COPY:
            registers[now.a] = registers[now.b];
            break;
        case HALT:
            return fold(executed, (uint64_t)registers[5]);
        }
    }
}

uint64_t run_machine(uint32_t rounds) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < LIMIT; i++) {
            marks[i] = 0;
        }
        marks[2 + round % 64] = 1; // so that no round is known from another
        sum = fold(sum, interpret());
    }
    return sum;
}
