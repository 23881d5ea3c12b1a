// Products of two matrices of doubles, in the order of loops that walks memory in lines.

#include "programs.h"

#define SIZE 48

static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static void fill(uint64_t *state) {
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = (double)(next_random(state) >> 54);
            right[i][j] = (double)(next_random(state) >> 54);
        }
    }
}

static void multiply(void) {
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            product[i][j] = 0;
        }
        for (int k = 0; k < SIZE; k++) {
            double factor = left[i][k];
            for (int j = 0; j < SIZE; j++) {
                product[i][j] += factor * right[k][j];
            }
        }
    }
}

uint64_t run_matrix(uint32_t rounds) {
    uint64_t state = 7, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        fill(&state);
        multiply();
        for (int i = 0; i < SIZE; i++) {
            sum = fold(sum, (uint64_t)product[i][SIZE - 1 - i]); // whole numbers below 2^53: exact
        }
    }
    return sum;
}
