// A box of three by three over a picture of bytes, twice a round: what compilers make SIMD code of, where they may.

#include "programs.h"

#define WIDTH 320
#define HEIGHT 200

static uint8_t picture[HEIGHT][WIDTH], blurred[HEIGHT][WIDTH];

static void blur(uint8_t (*restrict to)[WIDTH], uint8_t (*restrict from)[WIDTH]) {
    for (int y = 1; y < HEIGHT - 1; y++) {
        for (int x = 1; x < WIDTH - 1; x++) {
            uint32_t sum = 0;
            for (int row = y - 1; row <= y + 1; row++) {
                sum += from[row][x - 1] + from[row][x] + from[row][x + 1];
            }
            to[y][x] = (uint8_t)(sum * 57 >> 9); // a ninth
        }
    }
}

uint64_t run_blur(uint32_t rounds) {
    uint64_t state = 3, sum = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            picture[y][x] = (uint8_t)(next_random(&state) >> 56);
            blurred[y][x] = 0;
        }
    }
    for (uint32_t round = 0; round < rounds; round++) {
        picture[HEIGHT / 2][WIDTH / 2] = (uint8_t)round;
        blur(blurred, picture);
        blur(picture, blurred);
        for (int y = 0; y < HEIGHT; y += 7) {
            sum = fold(sum, picture[y][y]);
        }
    }
    return sum;
}
