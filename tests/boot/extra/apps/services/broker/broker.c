// Does what the first letter of each request says; anything else is sent back as it came.

#include "munal.h"

#define FOR_EVER (-1)
#define AT_ONCE 0
#define MILLISECONDS 1000000
#define WRITE 2
#define SHARE 4
#define MOST_HANDLES 8

static char request[1 << 20];
static char message[64 << 10];
static uint32_t kept;

// Sends the envoy what it writes with: a handle of this instance's own console, which can only write and be sent on.
static void greet(void) {
    int32_t made = munal_handle_duplicate(munal_stream_console_handle(), WRITE | SHARE);
    uint32_t console = (uint32_t)made;
    if (made < 0 || munal_channel_server_jobs_send(0, "console", 7, &console, 1, FOR_EVER) != 0) munal_sip_exit(2);
}

static void rest(int64_t nanoseconds) {
    struct munal_poll never = {munal_service_server_echo_handle(), 0, 0};
    munal_sip_wait(&never, 1, nanoseconds);
}

// Takes every message that waits; the reply is how many, and their first letters in order.
static uint32_t drain(void) {
    uint32_t handles[MOST_HANDLES], count = 0;
    while (munal_channel_server_jobs_receive(0, message, sizeof message, handles, MOST_HANDLES, AT_ONCE) >= 0) {
        request[++count] = message[0];
        if (handles[0]) kept = handles[0];
    }
    request[0] = (char)('0' + count);
    return count + 1;
}

static uint32_t answer(uint32_t length) {
    switch (length ? request[0] : 0) {
    case 's': // replies when it is told to, by a message; who told has asked for something else by then, and would go on with this
        munal_channel_server_jobs_receive(0, message, sizeof message, 0, 0, FOR_EVER);
        rest(2 * MILLISECONDS);
        munal_service_server_echo_reply(request, length);
        rest(2 * MILLISECONDS);
        return answer((uint32_t)munal_service_server_echo_receive(request, sizeof request, FOR_EVER));
    case 'd':
        return drain();
    case 'b':
        munal_channel_server_jobs_send(0, "back", 4, &kept, 1, FOR_EVER);
        return 0;
    case 'p':
        munal_channel_server_jobs_send(0, "plain", 5, 0, 0, FOR_EVER);
        return 0;
    case 'x':
        munal_sip_exit(1);
        return 0;
    case 'q':
        munal_service_server_echo_reply("", 0);
        rest(20 * MILLISECONDS);
        munal_sip_exit(0);
        return 0;
    default:
        return length;
    }
}

void _start(void) {
    greet();
    int32_t length = munal_service_server_echo_receive(request, sizeof request, FOR_EVER);
    for (;;) length = munal_service_server_echo_reply_and_receive(request, answer((uint32_t)length), request, sizeof request, FOR_EVER);
}
