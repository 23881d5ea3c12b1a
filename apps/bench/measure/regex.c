// Regular expressions by a set of states (Thompson, 1968): `.`, `*`, `+`, `?`, classes and alternatives, over lines of a log.

#include "programs.h"

#define STATES 64
#define TEXT 6000

enum kind { CHAR, ANY, CLASS, SPLIT, JUMP, MATCH };

struct state {
    uint8_t kind, character;
    uint16_t first, second;
    uint32_t class[8];
};

struct program_text {
    struct state states[STATES];
    uint32_t count;
};

static struct program_text compiled;
static const char *pattern;
static char text[TEXT];

static uint32_t emit(uint8_t kind, uint8_t character) {
    struct state *state = &compiled.states[compiled.count];
    state->kind = kind;
    state->character = character;
    state->first = (uint16_t)(compiled.count + 1);
    for (int i = 0; i < 8; i++) {
        state->class[i] = 0;
    }
    return compiled.count++;
}

// Makes room for one state before `at`.
static void open(uint32_t at, uint8_t kind) {
    for (uint32_t i = compiled.count; i > at; i--) {
        compiled.states[i] = compiled.states[i - 1];
        compiled.states[i].first += 1;
        compiled.states[i].second += compiled.states[i].kind == SPLIT;
    }
    compiled.count++;
    compiled.states[at].kind = kind;
    compiled.states[at].first = (uint16_t)(at + 1);
}

static void alternatives(void);

static void class(void) {
    struct state *state = &compiled.states[emit(CLASS, 0)];
    while (*pattern != ']') {
        uint8_t low = (uint8_t)*pattern++, high = low;
        if (*pattern == '-') {
            high = (uint8_t)pattern[1];
            pattern += 2;
        }
        for (uint32_t c = low; c <= high; c++) {
            state->class[c / 32] |= 1u << c % 32;
        }
    }
    pattern++;
}

static void atom(void) {
    char c = *pattern++;
    if (c == '(') {
        alternatives();
        pattern++;
    } else if (c == '[') {
        class();
    } else {
        emit(c == '.' ? ANY : CHAR, (uint8_t)c);
    }
}

static void repeated(void) {
    uint32_t start = compiled.count;
    atom();
    if (*pattern == '*' || *pattern == '?') {
        open(start, SPLIT);
        if (*pattern == '*') {
            compiled.states[emit(JUMP, 0)].first = (uint16_t)start;
        }
        compiled.states[start].second = (uint16_t)compiled.count;
        pattern++;
    } else if (*pattern == '+') {
        uint32_t at = emit(SPLIT, 0);
        compiled.states[at].second = (uint16_t)start;
        pattern++;
    }
}

static void alternatives(void) {
    uint32_t start = compiled.count;
    while (*pattern && *pattern != ')' && *pattern != '|') {
        repeated();
    }
    if (*pattern == '|') {
        pattern++;
        open(start, SPLIT);
        uint32_t jump = emit(JUMP, 0);
        compiled.states[start].second = (uint16_t)compiled.count;
        alternatives();
        compiled.states[jump].first = (uint16_t)compiled.count;
    }
}

static void compile(const char *source) {
    compiled.count = 0;
    pattern = source;
    alternatives();
    emit(MATCH, 0);
}

static uint64_t follow(uint64_t set, uint32_t at) {
    if (set >> at & 1) {
        return set;
    }
    set |= (uint64_t)1 << at;
    const struct state *state = &compiled.states[at];
    if (state->kind == SPLIT || state->kind == JUMP) {
        set = follow(set, state->first);
    }
    return state->kind == SPLIT ? follow(set, state->second) : set;
}

static int accepts(const struct state *state, uint8_t c) {
    return (state->kind == CHAR && state->character == c) || (state->kind == ANY && c != '\n') ||
           (state->kind == CLASS && (state->class[c / 32] >> c % 32 & 1));
}

// How many places of the text are the end of a match.
static uint32_t matches(void) {
    uint64_t set = 0;
    uint32_t found = 0;
    for (uint32_t i = 0; i < TEXT; i++) {
        uint64_t next = 0;
        set = follow(set, 0);
        for (uint64_t left = set; left; left &= left - 1) {
            const struct state *state = &compiled.states[__builtin_ctzll(left)];
            if (accepts(state, (uint8_t)text[i])) {
                next = follow(next, state->first);
            }
        }
        set = next;
        found += (uint32_t)(set >> (compiled.count - 1) & 1);
        set &= ~((uint64_t)1 << (compiled.count - 1));
    }
    return found;
}

static void write_log(uint64_t state) {
    static const char *const lines[] = {"com1: 16550 at 0x3f8, line 4\n", "error: disk 3 timed out after 250 ms\n",
                                        "10.0.0.17 GET /index.html 200 5120\n", "warning: 87 % of memory is used\n"};
    for (uint32_t at = 0; at < TEXT;) {
        const char *line = lines[next_random(&state) >> 62];
        while (*line && at < TEXT) {
            text[at++] = *line++;
        }
    }
}

uint64_t run_regex(uint32_t rounds) {
    static const char *const patterns[] = {"(error|warning): .*[0-9]+ (ms|%)", "[0-9]+\\.[0-9]+\\.[0-9]+", "0x[0-9a-f]+", "(G|P)(ET|OST) /[a-z.]*"};
    uint64_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        write_log(17 + round);
        for (int i = 0; i < 4; i++) {
            compile(patterns[i]);
            sum = fold(sum, matches());
        }
    }
    return sum;
}
