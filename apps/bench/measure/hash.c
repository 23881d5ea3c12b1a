// A table with open addressing: counts words of random letters, then takes every third away again and looks all up.

#include "programs.h"

#define SLOTS 16384
#define WORDS 9000
#define LONGEST 12

struct slot {
    char word[LONGEST];
    uint32_t length; // 0: free
    uint32_t count;
};

static struct slot slots[SLOTS];

static uint32_t hash(const char *word, uint32_t length) {
    uint32_t value = 2166136261u;
    for (uint32_t i = 0; i < length; i++) {
        value = (value ^ (uint8_t)word[i]) * 16777619u;
    }
    return value;
}

static int is_word(const struct slot *slot, const char *word, uint32_t length) {
    if (slot->length != length) {
        return 0;
    }
    for (uint32_t i = 0; i < length; i++) {
        if (slot->word[i] != word[i]) {
            return 0;
        }
    }
    return 1;
}

// The slot of the word, or the free one where it belongs.
static struct slot *find(const char *word, uint32_t length) {
    uint32_t at = hash(word, length) % SLOTS;
    while (slots[at].length && !is_word(&slots[at], word, length)) {
        at = (at + 1) % SLOTS;
    }
    return &slots[at];
}

static void add(const char *word, uint32_t length) {
    struct slot *slot = find(word, length);
    if (!slot->length) {
        slot->length = length;
        for (uint32_t i = 0; i < length; i++) {
            slot->word[i] = word[i];
        }
    }
    slot->count++;
}

static uint32_t make_word(uint64_t *state, char *word) {
    uint64_t random = next_random(state);
    uint32_t length = 2 + (uint32_t)(random >> 60) % (LONGEST - 3);
    for (uint32_t i = 0; i < length; i++) {
        word[i] = (char)('a' + (random >> (4 * i)) % 13);
    }
    return length;
}

uint64_t run_hash(uint32_t rounds) {
    uint64_t sum = 0;
    char word[LONGEST];
    for (uint32_t round = 0; round < rounds; round++) {
        uint64_t state = 5 + round, again = 5 + round;
        for (int i = 0; i < SLOTS; i++) {
            slots[i].length = slots[i].count = 0;
        }
        for (int i = 0; i < WORDS; i++) {
            add(word, make_word(&state, word));
        }
        for (int i = 0; i < WORDS; i++) {
            struct slot *slot = find(word, make_word(&again, word));
            slot->count -= i % 3 == 0;
            sum = fold(sum, slot->count);
        }
    }
    return sum;
}
