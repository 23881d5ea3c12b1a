// What the Linux guest does with devices, each as apps/bench/measure-devices does it on Munal.
#ifndef DEVICES_H
#define DEVICES_H

#include "report.h"

static inline void must(int holds, const char *what) {
    if (!holds) {
        fail(what);
    }
}

// The job of that name for a disk, a network card, a keyboard; NULL where it is another's.
job find_disk_job(const char *name);
job find_network_job(const char *name);
job find_keyboard_job(const char *name);

#endif
