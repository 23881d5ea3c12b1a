// The first program of the Linux guest: tells what the system is, then passes each command of the serial line, WHO/NAME OPERATIONS
// SAMPLES, to the program of the initramfs that is called WHO, which it starts when it is first asked for.

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

#define FLAWS "/sys/devices/system/cpu/vulnerabilities"
#define PROGRAMS 4

static struct program {
    const char *name;
    char *words[3];
    FILE *input;
} programs[PROGRAMS] = {{"calls", {"/calls"}, NULL}, {"native", {"/native"}, NULL}, {"wasmtime", {"/runner", "/app.wasm"}, NULL}, {"devices", {"/devices"}, NULL}};

static void tell_line(const char *what, const char *path) {
    char line[256] = "";
    FILE *file = fopen(path, "r");
    if (file) {
        if (fgets(line, sizeof line, file)) {
            line[strcspn(line, "\n")] = 0;
        }
        fclose(file);
    }
    printf("note %s: %s\n", what, line);
}

static void tell_system(void) {
    struct utsname name;
    uname(&name);
    printf("note kernel: Linux %s\n", name.release);
    DIR *folder = opendir(FLAWS);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.') {
            char path[512];
            snprintf(path, sizeof path, FLAWS "/%s", entry->d_name);
            tell_line(entry->d_name, path);
        }
    }
    tell_line("clock", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void leave_bytes_as_they_are(void) {
    struct termios line;
    if (tcgetattr(0, &line) == 0) {
        cfmakeraw(&line);
        tcsetattr(0, TCSANOW, &line);
    }
}

// None of the programs ends while its input is open.
static void say_that_one_ended(int signal) {
    (void)signal;
    static const char text[] = "note failed: a program ended\n";
    ssize_t said = write(1, text, sizeof text - 1);
    (void)said;
}

static void start(struct program *program) {
    int ends[2];
    if (pipe(ends) != 0) {
        fail("pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        execv(program->words[0], program->words);
        _exit(127);
    }
    close(ends[0]);
    program->input = child > 0 ? fdopen(ends[1], "w") : NULL;
    if (!program->input) {
        fail("fork");
    }
}

static void pass_on(char *line) {
    char *slash = strchr(line, '/');
    for (int i = 0; slash && i < PROGRAMS; i++) {
        if (strncmp(line, programs[i].name, (size_t)(slash - line)) == 0) {
            if (!programs[i].input) {
                start(&programs[i]);
            }
            fputs(slash + 1, programs[i].input);
            fflush(programs[i].input);
            return;
        }
    }
    fail(line);
}

int main(void) {
    char line[128];
    mkdir("/sys", 0755);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    leave_bytes_as_they_are();
    signal(SIGCHLD, say_that_one_ended);
    printf("\nmunal-bench\n");
    tell_system();
    printf("note ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        pass_on(line);
    }
    fail("the serial line ended");
}
