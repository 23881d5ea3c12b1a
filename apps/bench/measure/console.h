// The console of a program that measures: lines of text out, words in.
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

// A line under construction; what does not fit is left out.
struct line {
    char text[1024];
    uint32_t length;
};

void put_char(struct line *line, char c);
void put_text(struct line *line, const char *text);
void put_number(struct line *line, uint64_t value);
void put_hex(struct line *line, uint64_t value);
void say(const struct line *line);

// Reads up to a space or the end of the line.
void read_word(char *word, uint32_t size);

// Reads a word as a decimal number.
uint32_t read_number(void);

#endif
