// How many steps each point of a picture stays near: doubles in registers, and a branch that is hard to foresee.

#include "programs.h"

#define WIDTH 48
#define HEIGHT 32
#define STEPS 100

static uint32_t steps(double x0, double y0) {
    double x = 0, y = 0;
    uint32_t count = 0;
    while (count < STEPS && x * x + y * y <= 4.0) {
        double next = x * x - y * y + x0;
        y = 2.0 * x * y + y0;
        x = next;
        count++;
    }
    return count;
}

uint64_t run_mandelbrot(uint32_t rounds) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        double shift = (double)round / 1024.0;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                sum = fold(sum, steps(3.0 * x / WIDTH - 2.25 + shift, 2.0 * y / HEIGHT - 1.0));
            }
        }
    }
    return sum;
}
