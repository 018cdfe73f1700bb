#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// One line of getdents64(2); the C library's struct dirent has the same shape but needs opendir, which allocates.
struct directory_entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

static ssize_t read_file(const char *path, char *buffer, size_t capacity)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    ssize_t length = read(file, buffer, capacity - 1);
    int error = errno;
    close(file);
    if (length < 0) return -error;
    buffer[length] = '\0';
    return length;
}

static const char *number_after(const char *text, const char *name, uint64_t *number)
{
    const char *at = strstr(text, name);
    *number = 0;
    if (at == NULL) return NULL;
    at += strlen(name);
    while (*at == ' ') at++;
    for (; *at >= '0' && *at <= '9'; at++) *number = *number * 10 + (uint64_t)(*at - '0');
    return at;
}

// Bytes dirtied on disk file systems, less those whose pages were dropped before write-back. Signed: the process that deletes
// a file gets the credit, not the one that wrote it.
static int64_t written_in(const char *text)
{
    uint64_t written, cancelled;
    number_after(text, "\nwrite_bytes:", &written);
    number_after(text, "cancelled_write_bytes:", &cancelled);
    return (int64_t)written - (int64_t)cancelled;
}

// What each process had written when it was last looked at. Once a process has ended, the kernel shows its account to root alone
// until its parent has waited for it; then the account is added to the parent's. In between this is what is known of it.
struct last_seen {
    uint64_t started; // field 22 of its stat: a number that is used again is another process
    int64_t written;
    int32_t number;
    uint32_t sweep;
};
static struct last_seen last_seen[1024];
static size_t last_seen_count;
static uint32_t sweep;

static struct last_seen *find_last_seen(int32_t number, uint64_t started)
{
    for (size_t i = 0; i < last_seen_count; i++)
        if (last_seen[i].number == number && last_seen[i].started == started) return &last_seen[i];
    return NULL;
}

static void remember(int32_t number, uint64_t started, int64_t written)
{
    struct last_seen *entry = find_last_seen(number, started);
    if (entry == NULL) {
        if (last_seen_count == sizeof last_seen / sizeof *last_seen) return;
        entry = &last_seen[last_seen_count++];
    }
    *entry = (struct last_seen){.started = started, .written = written, .number = number, .sweep = sweep};
}

// Who was not met in this sweep is gone, and its parent's account holds what it wrote.
static void forget_the_gone(void)
{
    for (size_t i = 0; i < last_seen_count;)
        if (last_seen[i].sweep == sweep) i++;
        else last_seen[i] = last_seen[--last_seen_count];
}

// `*hidden` is set when the kernel does not let us see it (a process that is not dumpable).
static int64_t written_by(const char *directory, int *hidden)
{
    char path[48], text[512];
    size_t at = strlen(directory);
    memcpy(path, directory, at);
    memcpy(path + at, "/io", 4);
    ssize_t length = read_file(path, text, sizeof text);
    if (length == -EACCES || length == -EPERM) *hidden = 1;
    return length > 0 ? written_in(text) : 0;
}

// The account of a process stands in the directory of each of its threads, those included that /proc does not list. A first
// thread that has ended hides what the others show.
static int64_t written_by_threads(const char *directory, const char *own, int *hidden)
{
    char path[48];
    size_t at = strlen(directory);
    memcpy(path, directory, at);
    memcpy(path + at, "/task", 6);
    int tasks = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) return 0;
    int64_t written = 0;
    _Alignas(struct directory_entry) char buffer[1024]; // one that lives is enough, so the first few are
    long length = syscall(SYS_getdents64, tasks, buffer, sizeof buffer);
    for (long next = 0; next < length && *hidden;) {
        struct directory_entry *entry = (struct directory_entry *)(buffer + next);
        next += entry->length;
        if (entry->name[0] == '.' || strlen(entry->name) >= 12 || strcmp(entry->name, own) == 0) continue;
        char account[40] = "/proc/", text[512];
        size_t length_of_name = strlen(entry->name);
        memcpy(account + 6, entry->name, length_of_name);
        memcpy(account + 6 + length_of_name, "/io", 4);
        // One that has ended since the listing says nothing; the process stays hidden until another one does.
        if (read_file(account, text, sizeof text) <= 0) continue;
        *hidden = 0;
        written = written_in(text);
    }
    close(tasks);
    return written;
}

static void count_process(const char *name, struct gb_usage *usage, int64_t *written, uint64_t tick_us, uint64_t page)
{
    char directory[32] = "/proc/", path[48], text[1024];
    size_t at = 6 + strlen(name);
    memcpy(directory + 6, name, strlen(name) + 1);
    memcpy(path, directory, at);
    memcpy(path + at, "/stat", 6);
    if (read_file(path, text, sizeof text) <= 0) return; // it has just ended
    const char *field = strrchr(text, ')');               // the command's name may hold anything, even ')'
    if (field == NULL) return;
    char state = field[1] == ' ' ? field[2] : '?';
    uint64_t value[25] = {0}; // fields 3 (state) … 24 (rss), proc(5)
    for (int i = 3; i <= 24 && *field != '\0'; i++) {
        while (*field != '\0' && *field != ' ') field++;
        while (*field == ' ') field++;
        value[i] = *field == '-' ? 0 : strtoull(field, NULL, 10);
    }
    // Its own time, and that of its children that it has waited for (fields 16 and 17).
    usage->cpu_us += (value[14] + value[15] + value[16] + value[17]) * tick_us;
    uint64_t resident = value[24] * page;
    usage->resident_bytes += resident;
    usage->processes += (uint32_t)value[20]; // threads
    if (resident > usage->largest_bytes) {
        usage->largest_bytes = resident;
        usage->largest_pid = (int32_t)strtoull(name, NULL, 10);
    }
    int hidden = 0;
    int32_t number = (int32_t)strtoull(name, NULL, 10);
    int64_t bytes = written_by(directory, &hidden);
    // Threads of a process whose first thread has ended live on; one that has ended as a whole has nobody left to be killed for
    // hiding anything, and counts with what was last known of it.
    int has_ended = state == 'Z' && value[20] <= 1;
    if (hidden && state == 'Z' && !has_ended) bytes = written_by_threads(directory, name, &hidden);
    if (hidden && has_ended) {
        struct last_seen *known = find_last_seen(number, value[22]);
        hidden = known == NULL && last_seen_count == sizeof last_seen / sizeof *last_seen;
        bytes = known != NULL ? known->written : 0;
    }
    if (!hidden) remember(number, value[22], bytes);
    *written += bytes;
    usage->hidden += (uint32_t)hidden;
    if (hidden && !has_ended) usage->hidden_pid = number;
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

// The init writes nothing itself; the kernel adds what its reaped children wrote. The init is not dumpable, so its own file
// could not be opened any more: it was opened before.
static int64_t count_reaped(struct gb_usage *usage, int own_io)
{
    memset(usage, 0, sizeof *usage);
    struct rusage reaped;
    getrusage(RUSAGE_CHILDREN, &reaped);
    usage->cpu_us = microseconds(reaped.ru_utime) + microseconds(reaped.ru_stime);
    usage->peak_bytes = (uint64_t)reaped.ru_maxrss * 1024;
    char text[512];
    ssize_t length = own_io >= 0 ? pread(own_io, text, sizeof text - 1, 0) : -1;
    if (length <= 0) return 0;
    text[length] = '\0';
    return written_in(text);
}

void gb_count_reaped_usage(struct gb_usage *usage, int own_io)
{
    int64_t written = count_reaped(usage, own_io);
    usage->written_bytes = written > 0 ? (uint64_t)written : 0;
}

void gb_count_usage(struct gb_usage *usage, int own_io)
{
    int64_t written = count_reaped(usage, own_io);
    uint64_t tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK), page = (uint64_t)sysconf(_SC_PAGESIZE);
    sweep++;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc >= 0) {
        _Alignas(struct directory_entry) char buffer[8192];
        long length;
        while ((length = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0)
            for (long at = 0; at < length;) {
                struct directory_entry *entry = (struct directory_entry *)(buffer + at);
                at += entry->length;
                const char *name = entry->name;
                if (name[0] >= '1' && name[0] <= '9' && strlen(name) < 12 && strcmp(name, "1") != 0)
                    count_process(name, usage, &written, tick_us, page);
            }
        close(proc);
        forget_the_gone();
    }
    usage->written_bytes = written > 0 ? (uint64_t)written : 0;
}
