// Obeys commands of its console, NAME OPERATIONS SAMPLES a line: each is answered by a line with the name, the operations of a
// sample, a checksum, and nanoseconds of each sample.

#include "calls.h"
#include "console.h"
#include "munal.h"
#include "programs.h"

#define MOST_SAMPLES 64

static job find(const char *name) {
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        if (is_same(programs[i].name, name)) {
            return programs[i].run;
        }
    }
    return find_call(name);
}

static void put_start(struct line *line, const char *name, uint32_t operations, uint64_t checksum) {
    line->length = 0;
    put_text(line, "bench ");
    put_text(line, name);
    put_char(line, ' ');
    put_number(line, operations);
    put_char(line, ' ');
    put_hex(line, checksum);
}

// Answers a checksum, or 0 for one that came out differently; the samples' times are in `times`.
static uint64_t measure(job job, uint32_t operations, uint32_t samples, uint64_t *times) {
    uint64_t checksum = 0;
    for (uint32_t i = 0; i < samples; i++) {
        uint64_t start = munal_clock_time_now();
        uint64_t got = job(operations);
        uint64_t end = munal_clock_time_now();
        if (i > 0 && got != checksum) {
            return 0;
        }
        checksum = got;
        times[i] = end - start;
    }
    return checksum;
}

static void obey(void) {
    struct line line = {.length = 0};
    uint64_t times[MOST_SAMPLES];
    char name[16];
    read_word(name, sizeof name);
    uint32_t operations = read_number(), samples = read_number();
    job job = find(name);
    if (!job || samples > MOST_SAMPLES) {
        put_text(&line, "note failed: nothing of that name\n");
        say(&line);
        return;
    }
    put_start(&line, name, operations, measure(job, operations, samples, times));
    for (uint32_t i = 0; i < samples; i++) {
        put_char(&line, ' ');
        put_number(&line, times[i]);
    }
    put_char(&line, '\n');
    say(&line);
}

void _start(void) {
    struct line line = {.length = 0};
    put_text(&line, "\nmunal-bench\nnote started: ");
    put_number(&line, munal_clock_time_now());
    put_text(&line, "\nnote ready\n");
    say(&line);
    for (;;) {
        obey();
    }
}

// For engines that are driven from outside: the checksum of one program.
__attribute__((export_name("run"))) uint64_t run(uint32_t program, uint32_t rounds) {
    return programs[program % PROGRAMS].run(rounds);
}
