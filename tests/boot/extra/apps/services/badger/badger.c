// Answers with the badge of who asks, or does what the first letter of the request says.

#include "munal.h"

#define FOR_EVER (-1)
#define FIRST_BYTES 4

static char request[16];
static unsigned char badge[2048];

// What `badge` answers, as four bytes, little endian, and behind them what it stored.
static uint32_t told(int32_t answer, uint32_t stored) {
    static unsigned char moved[sizeof badge];
    for (uint32_t at = 0; at < stored; at++) moved[at] = badge[at];
    for (uint32_t at = 0; at < 4; at++) badge[at] = (unsigned char)((uint32_t)answer >> 8 * at);
    for (uint32_t at = 0; at < stored; at++) badge[4 + at] = moved[at];
    return 4 + stored;
}

static uint32_t answer(int32_t before) {
    switch (request[0]) {
    case 'x': // its client is told that it ended
        munal_sip_exit(1);
        return 0;
    case 'b': // what there was before anything was received
        return told(before, 0);
    case 's':
        return told(munal_files_server_files_badge(badge, FIRST_BYTES), FIRST_BYTES);
    default: {
        int32_t length = munal_files_server_files_badge(badge, sizeof badge);
        return length < 0 ? told(length, 0) : (uint32_t)length;
    }
    }
}

void _start(void) {
    int32_t before = munal_files_server_files_badge(badge, sizeof badge);
    munal_files_server_files_receive(request, sizeof request, FOR_EVER);
    for (;;) munal_files_server_files_reply_and_receive(badge, answer(before), request, sizeof request, FOR_EVER);
}
