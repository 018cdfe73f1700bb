// The probe as a program that waits for its call: well behaved, and in the ways in which one may not be.
#include "probe.h"

#include "parked_program.h"
#include "worker_seal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PARKED_FAILURE = 70 };  // EX_SOFTWARE

static struct gb_parked_call call;
static char *words[1024], *variables[1024];

static int take_words(void) {
    const struct gb_spec *spec = &call.spec.header;
    if (spec->argv.count >= 1024 || spec->envp.count >= 1024) {
        return -E2BIG;
    }
    for (uint32_t index = 0; index < spec->argv.count; index++) {
        words[index] = (char *)(uintptr_t)gb_spec_string(&call.spec, call.spec.argv[index]);
    }
    for (uint32_t index = 0; index < spec->envp.count; index++) {
        variables[index] = (char *)(uintptr_t)gb_spec_string(&call.spec, call.spec.envp[index]);
    }
    environ = variables;
    return chdir(gb_spec_string(&call.spec, spec->working_directory)) < 0 ? -errno : 0;
}

// Does what the probe would have done, had it been launched with the call's words.
static int serve(int count, char **arguments) {
    (void)count;
    int is_sealed = strcmp(arguments[0], "sealed") == 0;
    alarm(0);  // it may wait long
    if ((is_sealed && gb_seal_waiting() < 0) || gb_parked_announce() < 0) {
        return PARKED_FAILURE;
    }
    int failed = gb_parked_receive(&call);
    if (failed == GB_PARKED_UNWANTED) {
        return 0;
    }
    if (failed || strcmp(arguments[0], "dies") == 0) {
        return PARKED_FAILURE;
    }
    int socket = gb_parked_settle(&call);
    if (socket < 0 || take_words() < 0 || (is_sealed && gb_seal_call() < 0) || gb_parked_start(socket) < 0) {
        return PARKED_FAILURE;
    }
    if (strcmp(arguments[0], "dies-later") == 0) {
        raise(SIGKILL);
    }
    if (!is_sealed) {
        alarm(PROBE_TIME_LIMIT);
    }
    return probe_run((int)call.spec.header.argv.count - 1, words + 1);
}

// In the place of the built-in worker, which is started so.
static int serve_as_worker(int count, char **arguments) {
    (void)arguments;
    char *mode[] = {"serves", NULL};
    return serve(count, mode);
}

static int announce_and_leave(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return gb_parked_announce() < 0 ? PARKED_FAILURE : 0;
}

static int say_garbage(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char garbage[sizeof(struct gb_message)];
    memset(garbage, 0xA5, sizeof garbage);
    if (write_fully(GB_CONTROL_DESCRIPTOR, garbage, sizeof garbage) < 0) {
        return PARKED_FAILURE;
    }
    sleep_seconds(PROBE_TIME_LIMIT);
    return 0;
}

static int never_ready(int count, char **arguments) {
    (void)count;
    (void)arguments;
    sleep_seconds(PROBE_TIME_LIMIT);
    return 0;
}

const struct probe_command parked_commands[] = {
    {"park", 1, 1, "serves|sealed|dies|dies-later", serve},
    {"--parked", 0, 0, "", serve_as_worker},
    {"park-leaves", 0, 0, "", announce_and_leave},
    {"park-garbage", 0, 0, "", say_garbage},
    {"park-never", 0, 0, "", never_ready},
    {NULL, 0, 0, NULL, NULL},
};
