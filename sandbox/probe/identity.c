// What a process can see of itself: descriptors, environment, identity, namespaces, limits.
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

enum { MOST_DESCRIPTOR = 65536 };  // above this nothing is looked for

static int fds_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static char text[PROBE_LINE_SIZE];
    size_t length = 0;
    for (int descriptor = 0; descriptor < MOST_DESCRIPTOR && length + 16 < sizeof text; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%d", length > 0 ? " " : "", descriptor);
        }
    }
    return length > 0 ? report_ok("%s", text) : report_ok(NULL);
}

static int environ_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static char text[PROBE_LINE_SIZE];
    size_t length = 0;
    for (char **variable = environ; *variable != NULL && length + strlen(*variable) + 2 < sizeof text; variable++) {
        // A line break between two variables: it is written as \x0a, which no other byte is.
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? "\n" : "", *variable);
    }
    return length > 0 ? report_ok("%s", text) : report_ok(NULL);
}

static int ids_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    uid_t user[3];
    gid_t group[3];
    gid_t groups[256];
    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    int group_count = getgroups(256, groups);
    if (group_count < 0) {
        return report_errno(errno, "getgroups");
    }
    char text[256 * 12] = "";
    size_t length = 0;
    for (int index = 0; index < group_count; index++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", index > 0 ? "," : "", groups[index]);
    }
    return report_ok("uid=%u,%u,%u gid=%u,%u,%u groups=%s", user[0], user[1], user[2], group[0], group[1], group[2], text);
}

// Chosen lines of /proc/self/status, as NAME=VALUE.
static int show_status_lines(const char *const *names, size_t name_count) {
    FILE *status = fopen("/proc/self/status", "re");
    if (status == NULL) {
        return report_errno(errno, "open /proc/self/status");
    }
    char line[1024];
    char text[2048];
    size_t length = 0;
    while (fgets(line, sizeof line, status) != NULL) {
        for (size_t index = 0; index < name_count; index++) {
            size_t size = strlen(names[index]);
            if (strncmp(line, names[index], size) == 0 && line[size] == ':' && length + 128 < sizeof text) {
                const char *value = line + size + 1 + strspn(line + size + 1, "\t ");
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%.*s", length > 0 ? " " : "",
                                           names[index], (int)strcspn(value, "\n"), value);
            }
        }
    }
    fclose(status);
    return length > 0 ? report_ok("%s", text) : report_ok(NULL);
}

static int caps_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static const char *const names[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"};
    return show_status_lines(names, sizeof names / sizeof names[0]);
}

static int signals_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    // This program itself ignores SIGPIPE and SIGXFSZ; a test has to expect these two.
    static const char *const names[] = {"SigBlk", "SigIgn", "SigCgt"};
    return show_status_lines(names, sizeof names / sizeof names[0]);
}

static int hostname_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct utsname name;
    return uname(&name) == 0 ? report_ok("%s", name.nodename) : report_errno(errno, "uname");
}

static int pids_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    DIR *directory = opendir("/proc");
    if (directory == NULL) {
        return report_errno(errno, "opendir");
    }
    int found = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        found += entry->d_name[0] != '\0' && strspn(entry->d_name, "0123456789") == strlen(entry->d_name);
    }
    closedir(directory);
    return report_ok("%d", found);
}

static int ppid_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    return report_ok("pid=%d ppid=%d sid=%d pgid=%d", getpid(), getppid(), getsid(0), getpgrp());
}

static int namespaces_action(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static const char *const names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
    char text[1024];
    size_t length = 0;
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        char path[64];
        char target[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[index]);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size < 0) {
            return report_errno(errno, "%s", path);
        }
        target[size] = '\0';
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", index > 0 ? " " : "", target);
    }
    return report_ok("%s", text);
}

// ---- limits --------------------------------------------------------------------------------------------------------

static int resource_argument(const char *name) {
    static const struct {
        const char *name;
        int resource;
    } resources[] = {
        {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},       {"data", RLIMIT_DATA},
        {"fsize", RLIMIT_FSIZE},     {"locks", RLIMIT_LOCKS},       {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
        {"nice", RLIMIT_NICE},       {"nofile", RLIMIT_NOFILE},     {"nproc", RLIMIT_NPROC},   {"rss", RLIMIT_RSS},
        {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK},
    };
    for (size_t index = 0; index < sizeof resources / sizeof resources[0]; index++) {
        if (strcmp(name, resources[index].name) == 0) {
            return resources[index].resource;
        }
    }
    fprintf(stderr, "sandbox-probe: unknown limit %s\n", name);
    exit(PROBE_USAGE_STATUS);
}

static void limit_text(rlim_t value, char *text, size_t size) {
    if (value == RLIM_INFINITY) {
        snprintf(text, size, "unlimited");
    } else {
        snprintf(text, size, "%llu", (unsigned long long)value);
    }
}

static int rlimit_action(int count, char **arguments) {
    (void)count;
    struct rlimit limit;
    if (prlimit(0, (enum __rlimit_resource)resource_argument(arguments[0]), NULL, &limit) != 0) {
        return report_errno(errno, "prlimit");
    }
    char soft[32];
    char hard[32];
    limit_text(limit.rlim_cur, soft, sizeof soft);
    limit_text(limit.rlim_max, hard, sizeof hard);
    return report_ok("soft=%s hard=%s", soft, hard);
}

static int setrlimit_action(int count, char **arguments) {
    (void)count;
    rlim_t value = strcmp(arguments[1], "unlimited") == 0 ? RLIM_INFINITY : number_argument(arguments[1], UINT64_MAX);
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return report_result(prlimit(0, (enum __rlimit_resource)resource_argument(arguments[0]), &limit, NULL), "prlimit");
}

const struct probe_command identity_commands[] = {
    {"fds", 0, 0, "", fds_action},
    {"environ", 0, 0, "", environ_action},
    {"ids", 0, 0, "", ids_action},
    {"caps", 0, 0, "", caps_action},
    {"signals", 0, 0, "", signals_action},
    {"hostname", 0, 0, "", hostname_action},
    {"pids", 0, 0, "", pids_action},
    {"ppid", 0, 0, "", ppid_action},
    {"namespaces", 0, 0, "", namespaces_action},
    {"rlimit", 1, 1, "NAME", rlimit_action},
    {"setrlimit", 2, 2, "NAME VALUE|unlimited", setrlimit_action},
    {NULL, 0, 0, NULL, NULL},
};
