// Quicksort with insertion sort below sixteen elements, by a comparison that the compiler cannot see through.

#include "programs.h"

#define COUNT 5000
#define SMALL 16

typedef int (*compare)(uint32_t, uint32_t);

static uint32_t numbers[COUNT];

static int ascending(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

static int descending(uint32_t a, uint32_t b) {
    return (a < b) - (a > b);
}

static void insert(uint32_t *from, int count, compare order) {
    for (int i = 1; i < count; i++) {
        uint32_t value = from[i];
        int at = i;
        while (at > 0 && order(from[at - 1], value) > 0) {
            from[at] = from[at - 1];
            at--;
        }
        from[at] = value;
    }
}

static void sort(uint32_t *from, int count, compare order) {
    while (count > SMALL) {
        uint32_t pivot = from[count / 2];
        int low = 0, high = count - 1;
        while (low <= high) {
            while (order(from[low], pivot) < 0) {
                low++;
            }
            while (order(from[high], pivot) > 0) {
                high--;
            }
            if (low <= high) {
                uint32_t kept = from[low];
                from[low++] = from[high];
                from[high--] = kept;
            }
        }
        sort(from, high + 1, order);
        from += low;
        count -= low;
    }
    insert(from, count, order);
}

uint64_t run_sort(uint32_t rounds) {
    uint64_t state = 99, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < COUNT; i++) {
            numbers[i] = (uint32_t)(next_random(&state) >> 32);
        }
        sort(numbers, COUNT, (state >> 8) & 1 ? ascending : descending);
        for (int i = 0; i < COUNT; i += 97) {
            sum = fold(sum, numbers[i]);
        }
    }
    return sum;
}
