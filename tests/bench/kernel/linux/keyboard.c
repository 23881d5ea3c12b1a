// A keyboard as evdev tells of it, grabbed, so that nobody else in Linux handles its keys. A byte to QEMU's debug console says that
// keys are waited for, and another one each time that a key went down or up.

#include <fcntl.h>
#include <linux/input.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "devices.h"

#define SIGNAL 0xe9
#define MOST_DEVICES 32

static int keyboard = -1;

// Opens the first device whose name has `word` in it.
static int open_named(const char *word) {
    for (int number = 0; number < MOST_DEVICES; number++) {
        char path[32], name[256] = "";
        snprintf(path, sizeof path, "/dev/input/event%d", number);
        int device = open(path, O_RDONLY | O_CLOEXEC);
        if (device >= 0 && ioctl(device, EVIOCGNAME(sizeof name - 1), name) >= 0 && strstr(name, word)) {
            return device;
        }
        close(device);
    }
    return -1;
}

static uint64_t wait_for_keys(uint32_t operations) {
    uint64_t keys = 0;
    outb('r', SIGNAL);
    while (keys < operations) {
        struct input_event events[8];
        ssize_t length = read(keyboard, events, sizeof events);
        must(length > 0, "the keyboard ended");
        for (size_t i = 0; i < (size_t)length / sizeof *events; i++) {
            if (events[i].type == EV_KEY && events[i].value < 2) {
                outb('k', SIGNAL);
                keys++;
            }
        }
    }
    return keys;
}

job find_keyboard_job(const char *name) {
    const char *word = strcmp(name, "ps2") == 0 ? "AT " : strcmp(name, "virtio-keyboard") == 0 ? "Virtio Keyboard" : NULL;
    if (!word) {
        return NULL;
    }
    if (keyboard < 0) {
        keyboard = open_named(word);
        must(keyboard >= 0 && ioctl(keyboard, EVIOCGRAB, 1) == 0 && ioperm(SIGNAL, 1, 1) == 0, name);
    }
    return wait_for_keys;
}
