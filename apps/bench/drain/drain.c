// Reads all that its one client writes.

#include "munal.h"

#define FOR_EVER (-1)

static char bytes[65536];

void _start(void) {
    struct munal_poll poll = {.handle = munal_stream_server_drain_handle(0), .wanted = MUNAL_EVENT_READABLE};
    for (;;) {
        munal_sip_wait(&poll, 1, FOR_EVER);
        munal_stream_server_drain_try_read(0, bytes, sizeof bytes);
    }
}
