// Sends every request back as it came.

#include "munal.h"

#define FOR_EVER (-1)

static char message[65536];

void _start(void) {
    int32_t length = munal_service_server_answer_receive(message, sizeof message, FOR_EVER);
    for (;;) {
        uint32_t whole = length > 0 ? (uint32_t)length : 0;
        length = munal_service_server_answer_reply_and_receive(message, whole, message, sizeof message, FOR_EVER);
    }
}
