// What Linux takes for work with devices. Loads the drivers in /modules first, which are numbered in an order that suits them.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "devices.h"

#define MODULES "/modules"

static int is_module(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void load(const char *name) {
    char path[512];
    snprintf(path, sizeof path, MODULES "/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0, path);
    must(syscall(SYS_finit_module, file, "", 0) == 0, path);
    close(file);
}

static void load_modules(void) {
    struct dirent **entries;
    int count = scandir(MODULES, &entries, is_module, alphasort);
    must(count > 0, MODULES);
    for (int i = 0; i < count; i++) {
        load(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static job find(const char *name) {
    job found = find_disk_job(name);
    found = found ? found : find_network_job(name);
    return found ? found : find_keyboard_job(name);
}

int main(void) {
    must(mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) == 0 || errno == EBUSY, "devtmpfs");
    load_modules();
    return serve(find);
}
