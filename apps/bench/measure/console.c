#include "console.h"

#include "munal.h"

void put_char(struct line *line, char c) {
    if (line->length < sizeof line->text) {
        line->text[line->length++] = c;
    }
}

void put_text(struct line *line, const char *text) {
    while (*text) {
        put_char(line, *text++);
    }
}

void put_number(struct line *line, uint64_t value) {
    if (value >= 10) {
        put_number(line, value / 10);
    }
    put_char(line, (char)('0' + value % 10));
}

void put_hex(struct line *line, uint64_t value) {
    for (int shift = 60; shift >= 0; shift -= 4) {
        put_char(line, "0123456789abcdef"[value >> shift & 15]);
    }
}

void say(const struct line *line) {
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

void read_word(char *word, uint32_t size) {
    uint32_t length = 0;
    for (char c = read_char(); c != ' ' && c != '\n'; c = read_char()) {
        if (length + 1 < size) {
            word[length++] = c;
        }
    }
    word[length] = 0;
}

uint32_t read_number(void) {
    char digits[12];
    uint32_t value = 0;
    read_word(digits, sizeof digits);
    for (const char *digit = digits; *digit >= '0' && *digit <= '9'; digit++) {
        value = 10 * value + (uint32_t)(*digit - '0');
    }
    return value;
}
