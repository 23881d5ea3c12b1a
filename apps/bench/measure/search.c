// Boyer-Moore-Horspool: how often words stand in a text of few letters.

#include "programs.h"

#define TEXT 65536
#define WORDS 12
#define LENGTH 7

static uint8_t text[TEXT];

static uint32_t count(const uint8_t *word) {
    uint32_t skip[256], found = 0;
    for (int i = 0; i < 256; i++) {
        skip[i] = LENGTH;
    }
    for (uint32_t i = 0; i < LENGTH - 1; i++) {
        skip[word[i]] = LENGTH - 1 - i;
    }
    for (uint32_t at = 0; at + LENGTH <= TEXT; at += skip[text[at + LENGTH - 1]]) {
        uint32_t same = LENGTH;
        while (same > 0 && text[at + same - 1] == word[same - 1]) {
            same--;
        }
        found += same == 0;
    }
    return found;
}

uint64_t run_search(uint32_t rounds) {
    uint64_t state = 21, sum = 0;
    for (int i = 0; i < TEXT; i++) {
        text[i] = (uint8_t)('a' + (next_random(&state) >> 32) % 4);
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < WORDS; i++) {
            uint32_t at = (uint32_t)(next_random(&state) >> 32) % (TEXT - LENGTH);
            sum = fold(sum, count(text + at));
        }
    }
    return sum;
}
