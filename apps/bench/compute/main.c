// Obeys commands of its console, NAME ROUNDS SAMPLES a line: each is answered by a line with the program's name, the rounds of
// a sample, a checksum, and nanoseconds of each sample.

#include "munal.h"
#include "programs.h"

#define MOST_SAMPLES 64

struct line {
    char text[1024];
    uint32_t length;
};

static void put_char(struct line *line, char c) {
    if (line->length < sizeof line->text) {
        line->text[line->length++] = c;
    }
}

static void put_text(struct line *line, const char *text) {
    while (*text) {
        put_char(line, *text++);
    }
}

static void put_number(struct line *line, uint64_t value) {
    if (value >= 10) {
        put_number(line, value / 10);
    }
    put_char(line, (char)('0' + value % 10));
}

static void put_hex(struct line *line, uint64_t value) {
    for (int shift = 60; shift >= 0; shift -= 4) {
        put_char(line, "0123456789abcdef"[value >> shift & 15]);
    }
}

static void say(const struct line *line) {
    for (uint32_t said = 0; said < line->length;) {
        int32_t count = munal_stream_console_write(line->text + said, line->length - said);
        if (count < 0) {
            return;
        }
        said += (uint32_t)count;
    }
}

static char read_char(void) {
    char c = 0;
    while (munal_stream_console_read(&c, 1) != 1) {
    }
    return c;
}

// Reads up to a space or the end of the line.
static void read_word(char *word, uint32_t size) {
    uint32_t length = 0;
    for (char c = read_char(); c != ' ' && c != '\n'; c = read_char()) {
        if (length + 1 < size) {
            word[length++] = c;
        }
    }
    word[length] = 0;
}

static uint32_t read_number(void) {
    char digits[12];
    uint32_t value = 0;
    read_word(digits, sizeof digits);
    for (const char *digit = digits; *digit >= '0' && *digit <= '9'; digit++) {
        value = 10 * value + (uint32_t)(*digit - '0');
    }
    return value;
}

static int is_same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++, b++;
    }
    return *a == *b;
}

static const struct program *find(const char *name) {
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        if (is_same(programs[i].name, name)) {
            return &programs[i];
        }
    }
    return 0;
}

static void put_start(struct line *line, const char *name, uint32_t rounds, uint64_t checksum) {
    line->length = 0;
    put_text(line, "bench ");
    put_text(line, name);
    put_char(line, ' ');
    put_number(line, rounds);
    put_char(line, ' ');
    put_hex(line, checksum);
}

// Answers a checksum, or 0 for one that came out differently; the samples' times are in `times`.
static uint64_t measure(const struct program *program, uint32_t rounds, uint32_t samples, uint64_t *times) {
    uint64_t checksum = 0;
    for (uint32_t i = 0; i < samples; i++) {
        uint64_t start = munal_clock_time_now();
        uint64_t got = program->run(rounds);
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
    uint32_t rounds = read_number(), samples = read_number();
    const struct program *program = find(name);
    if (!program || samples > MOST_SAMPLES) {
        put_text(&line, "note failed: no such program\n");
        say(&line);
        return;
    }
    put_start(&line, name, rounds, measure(program, rounds, samples, times));
    for (uint32_t i = 0; i < samples; i++) {
        put_char(&line, ' ');
        put_number(&line, times[i]);
    }
    put_char(&line, '\n');
    say(&line);
}

void _start(void) {
    static const struct line ready = {"\nmunal-bench\nnote ready\n", 24};
    say(&ready);
    for (;;) {
        obey();
    }
}

// For engines that are driven from outside: the checksum of one program.
__attribute__((export_name("run"))) uint64_t run(uint32_t program, uint32_t rounds) {
    return programs[program % PROGRAMS].run(rounds);
}
