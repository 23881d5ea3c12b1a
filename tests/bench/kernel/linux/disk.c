// Blocks of disks, past all caches of Linux's. Each sector begins with its number.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "devices.h"

#define SECTOR 512
#define SMALL 4096
#define LARGE 65536
#define PATIENCE 10000

// A disk, where the next request in order is, and what the generator of places has come to. `name` is followed by a slash.
static struct disk {
    const char *name, *path;
    int file;
    uint64_t sectors, next, state;
} disks[] = {{"virtio", "/dev/vda", -1, 0, 0, 0}, {"sata", "/dev/sda", -1, 0, 0, 0}};

static struct disk *disk;
static uint8_t buffer[LARGE] __attribute__((aligned(4096)));

// A driver may find its disk some time after it was loaded.
static void open_disk(void) {
    for (int waited = 0; disk->file < 0 && waited < PATIENCE; waited++) {
        disk->file = open(disk->path, O_RDWR | O_DIRECT | O_CLOEXEC);
        if (disk->file < 0) {
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        }
    }
    uint64_t bytes = 0;
    must(disk->file >= 0 && ioctl(disk->file, BLKGETSIZE64, &bytes) == 0, disk->path);
    disk->sectors = bytes / SECTOR;
}

static uint64_t read_at(uint64_t sector, uint32_t bytes) {
    uint64_t first, last, end = sector + bytes / SECTOR - 1;
    if (pread(disk->file, buffer, bytes, (off_t)(sector * SECTOR)) != (ssize_t)bytes) {
        return 0;
    }
    memcpy(&first, buffer, sizeof first);
    memcpy(&last, buffer + bytes - SECTOR, sizeof last);
    return first == sector && last == end;
}

static uint64_t write_at(uint64_t sector, uint32_t bytes) {
    for (uint32_t at = 0; at < bytes; at += SECTOR) {
        uint64_t number = sector + at / SECTOR;
        memcpy(buffer + at, &number, sizeof number);
    }
    return pwrite(disk->file, buffer, bytes, (off_t)(sector * SECTOR)) == (ssize_t)bytes;
}

static uint64_t write_through(uint64_t sector, uint32_t bytes) {
    return write_at(sector, bytes) && fdatasync(disk->file) == 0;
}

// One request after the other, to the disk's end and again from its start.
static uint64_t in_order(uint32_t operations, uint32_t bytes, uint64_t (*request)(uint64_t sector, uint32_t bytes)) {
    uint64_t done = 0, count = bytes / SECTOR;
    for (uint32_t i = 0; i < operations; i++) {
        uint64_t sector = disk->next / count * count;
        sector = sector + count <= disk->sectors ? sector : 0;
        done += request(sector, bytes);
        disk->next = sector + count;
    }
    return done;
}

static uint64_t read_small(uint32_t operations) {
    return in_order(operations, SMALL, read_at);
}

static uint64_t read_large(uint32_t operations) {
    return in_order(operations, LARGE, read_at);
}

static uint64_t write_small(uint32_t operations) {
    return in_order(operations, SMALL, write_at);
}

static uint64_t write_large(uint32_t operations) {
    return in_order(operations, LARGE, write_at);
}

static uint64_t write_small_through(uint32_t operations) {
    return in_order(operations, SMALL, write_through);
}

// Blocks as a linear congruential generator has them (Knuth's MMIX).
static uint64_t read_anywhere(uint32_t operations) {
    uint64_t done = 0, count = SMALL / SECTOR;
    for (uint32_t i = 0; i < operations; i++) {
        disk->state = disk->state * 6364136223846793005u + 1442695040888963407u;
        done += read_at((disk->state >> 33) % (disk->sectors / count) * count, SMALL);
    }
    return done;
}

static job find_kind(const char *name) {
    static const struct {
        const char *name;
        job job;
    } jobs[] = {
        {"read-4096", read_small},   {"read-65536", read_large},   {"random-4096", read_anywhere},
        {"write-4096", write_small}, {"write-65536", write_large}, {"flush-4096", write_small_through},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (strcmp(jobs[i].name, name) == 0) {
            return jobs[i].job;
        }
    }
    return NULL;
}

job find_disk_job(const char *name) {
    const char *kind = strchr(name, '/');
    for (size_t i = 0; kind && i < sizeof disks / sizeof *disks; i++) {
        if (strncmp(disks[i].name, name, (size_t)(kind - name)) == 0) {
            disk = &disks[i];
            open_disk();
            return find_kind(kind + 1);
        }
    }
    return NULL;
}
