// Asks the badger by its own handle, or by one that it was sent, and logs a line for each answer: the badge in hexadecimal, or an error.

#include "munal.h"

#define FOR_EVER (-1)
#define WRITE 2
#define SHARE 4

static unsigned char reply[2048];
static char line[2 * sizeof reply + 64];
static uint32_t used;

static void text(const char *words) {
    while (*words) line[used++] = *words++;
}

static void number(int32_t value) {
    char digits[12];
    uint32_t count = 0, rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    text(value < 0 ? " -" : " ");
    while (count) line[used++] = digits[--count];
}

static void end_of_line(void) {
    munal_log_out_write(line, used);
    used = 0;
}

static void tell(const char *what, int32_t length) {
    text(what);
    if (length < 0) number(length);
    else line[used++] = ' ';
    for (int32_t at = 0; at < length; at++) {
        line[used++] = "0123456789abcdef"[reply[at] >> 4];
        line[used++] = "0123456789abcdef"[reply[at] & 15];
    }
    end_of_line();
}

static void own(const char *what, char letter) {
    tell(what, munal_files_home_call(&letter, 1, reply, sizeof reply));
}

static void by(uint32_t handle, const char *what, char letter) {
    tell(what, munal_handle_service_call(handle, &letter, 1, reply, sizeof reply, FOR_EVER));
}

static void hand_on(void) {
    int32_t made = munal_handle_duplicate(munal_files_home_handle(), WRITE | SHARE);
    uint32_t handle = (uint32_t)made;
    by(handle, "by a handle", 'a');
    if (munal_channel_next_send("take", 4, &handle, 1, FOR_EVER) < 0) munal_sip_exit(2);
}

static void take_over(void) {
    uint32_t handle = 0;
    if (munal_channel_server_before_receive(0, reply, sizeof reply, &handle, 1, FOR_EVER) != 4) munal_sip_exit(3);
    own("second", 'a');
    by(handle, "given", 'a');
    by(handle, "given ends", 'x');
    by(handle, "given again", 'a');
    own("second again", 'a');
    text("what");
    number(munal_handle_what(handle));
    end_of_line();
    munal_handle_close(handle);
    by(handle, "closed", 'a');
}

void _start(void) {
    if (!munal_channel_next_granted()) {
        take_over();
        return;
    }
    own("before", 'b');
    own("short", 's');
    own("first", 'a');
    own("first ends", 'x');
    own("first again", 'a');
    hand_on();
}
