// Calls of the kernel that are timed.
#ifndef CALLS_H
#define CALLS_H

#include <stdint.h>

typedef uint64_t (*job)(uint32_t operations);

// The job of that name, or NULL. It does its thing `operations` times, and answers how often that went well.
job find_call(const char *name);

int is_same(const char *a, const char *b);

#endif
