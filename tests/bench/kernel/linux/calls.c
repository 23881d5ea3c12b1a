// What Linux takes for what the kernel is compared in: a system call, two processes that talk by pipes, a process's life.

#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static void must(int holds, const char *what) {
    if (!holds) {
        fail(what);
    }
}

static uint64_t system_calls(uint32_t operations) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < operations; i++) {
        sum += (uint64_t)syscall(SYS_getppid);
    }
    return sum; // the parent is init, number 1
}

static void write_all(int to, const char *from, size_t length) {
    while (length > 0) {
        ssize_t done = write(to, from, length);
        must(done > 0, "write");
        from += done;
        length -= (size_t)done;
    }
}

// Answers how many bytes came: fewer than asked for at the end alone.
static size_t read_all(int from, char *to, size_t length) {
    size_t got = 0;
    while (got < length) {
        ssize_t done = read(from, to + got, length - got);
        must(done >= 0, "read");
        if (done == 0) {
            break;
        }
        got += (size_t)done;
    }
    return got;
}

static int there[2], back[2];
static pid_t partner;
#define SMALL 64
#define LARGE 65536
static char buffer[LARGE];

// Starts a process that reads messages of `length` bytes, and sends each back where it `answers`.
static void start_partner(size_t length, int answers) {
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    partner = fork();
    must(partner >= 0, "fork");
    if (partner == 0) {
        close(there[1]);
        close(back[0]);
        while (read_all(there[0], buffer, length) == length) {
            if (answers) {
                write_all(back[1], buffer, length);
            }
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
}

static void end_partner(void) {
    close(there[1]);
    close(back[0]);
    must(waitpid(partner, NULL, 0) == partner, "waitpid");
    partner = 0;
}

static uint64_t round_trips(uint32_t operations, size_t length) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < operations; i++) {
        buffer[0] = (char)i;
        buffer[length - 1] = (char)~i;
        write_all(there[1], buffer, length);
        must(read_all(back[0], buffer, length) == length, "a reply is short");
        sum += buffer[0] == (char)i && buffer[length - 1] == (char)~i;
    }
    return sum;
}

static uint64_t small_round_trips(uint32_t operations) {
    return round_trips(operations, SMALL);
}

static uint64_t large_round_trips(uint32_t operations) {
    return round_trips(operations, LARGE);
}

static uint64_t one_way(uint32_t operations) {
    for (uint32_t i = 0; i < operations; i++) {
        write_all(there[1], buffer, LARGE);
    }
    return operations;
}

static uint64_t lives(uint32_t operations) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < operations; i++) {
        int status;
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            _exit(7);
        }
        must(waitpid(child, &status, 0) == child, "waitpid");
        sum += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }
    return sum;
}

static uint64_t yields(uint32_t operations) {
    for (uint32_t i = 0; i < operations; i++) {
        sched_yield();
    }
    return operations;
}

// Starts the other side that the job needs, in place of the one before.
static job find(const char *name) {
    if (partner) {
        end_partner();
    }
    if (strcmp(name, "pipe-64") == 0) {
        start_partner(SMALL, 1);
        return small_round_trips;
    }
    if (strcmp(name, "pipe-65536") == 0) {
        start_partner(LARGE, 1);
        return large_round_trips;
    }
    if (strcmp(name, "pipe-stream") == 0) {
        start_partner(LARGE, 0);
        return one_way;
    }
    return strcmp(name, "getppid") == 0 ? system_calls : strcmp(name, "fork-exit-wait") == 0 ? lives : strcmp(name, "yield") == 0 ? yields : NULL;
}

int main(void) {
    return serve(find);
}
