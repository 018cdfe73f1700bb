/* glovebox-workload: the same work inside a sandbox and outside, timed by the program itself, so that no launch is in the number.
 *
 *   glovebox-workload getppid COUNT      the cheapest system call there is
 *   glovebox-workload read COUNT         one byte of /dev/zero
 *   glovebox-workload write COUNT        one byte to /dev/null
 *   glovebox-workload open COUNT FILE    opens a file and closes it
 *   glovebox-workload files ROUNDS DIR   walks a tree, opens, stats and reads every file
 *   glovebox-workload cpu ROUNDS         arithmetic over 256 KiB of memory, no system call
 *
 * Prints `OPERATIONS WALL_NS CPU_NS` on one line. Exit code 64: not understood; 1: a call failed, said on standard error. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEEPEST = 16, USAGE = 64 };

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int failed(const char *what)
{
    fprintf(stderr, "glovebox-workload: %s: %s\n", what, strerror(errno));
    return -1;
}

static int call_getppid(uint64_t count)
{
    /* Through syscall(2): no library may answer in its place. */
    for (uint64_t i = 0; i < count; i++)
        if (syscall(SYS_getppid) < 0)
            return failed("getppid");
    return 0;
}

static int read_bytes(uint64_t count)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (zero < 0)
        return failed("/dev/zero");
    char byte;
    int result = 0;
    for (uint64_t i = 0; i < count && result == 0; i++)
        if (read(zero, &byte, 1) != 1)
            result = failed("read");
    close(zero);
    return result;
}

static int write_bytes(uint64_t count)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0)
        return failed("/dev/null");
    int result = 0;
    for (uint64_t i = 0; i < count && result == 0; i++)
        if (write(null, "x", 1) != 1)
            result = failed("write");
    close(null);
    return result;
}

static int open_file(uint64_t count, const char *path)
{
    for (uint64_t i = 0; i < count; i++) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return failed(path);
        close(file);
    }
    return 0;
}

static int read_file(int directory, const char *name)
{
    static char buffer[64 << 10];
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return failed(name);
    struct stat facts;
    int result = fstat(file, &facts) < 0 ? failed(name) : 0;
    ssize_t got = 1;
    while (result == 0 && got > 0) {
        got = read(file, buffer, sizeof buffer);
        if (got < 0)
            result = failed(name);
    }
    close(file);
    return result;
}

/* Takes the descriptor. Adds the number of files to *files. */
static int walk(int number, unsigned depth, uint64_t *files)
{
    DIR *directory = fdopendir(number);
    if (!directory) {
        close(number);
        return failed("fdopendir");
    }
    int result = 0;
    while (result == 0) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry) {
            if (errno)
                result = failed("readdir");
            break;
        }
        if (entry->d_name[0] == '.')
            continue;
        struct stat facts;
        if (fstatat(dirfd(directory), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) < 0) {
            result = failed(entry->d_name);
        } else if (S_ISDIR(facts.st_mode) && depth < DEEPEST) {
            int below = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            result = below < 0 ? failed(entry->d_name) : walk(below, depth + 1, files);
        } else if (S_ISREG(facts.st_mode)) {
            result = read_file(dirfd(directory), entry->d_name);
            *files += 1;
        }
    }
    closedir(directory);
    return result;
}

static int walk_rounds(uint64_t rounds, const char *path, uint64_t *files)
{
    for (uint64_t i = 0; i < rounds; i++) {
        int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
            return failed(path);
        if (walk(root, 0, files) < 0)
            return -1;
    }
    return 0;
}

/* Somebody could look at it, so the compiler cannot leave the work out. */
static volatile uint64_t computed;

static uint64_t compute(uint64_t rounds)
{
    static uint64_t words[32 << 10];
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            words[i] = words[i] * 6364136223846793005u + state;
        }
    return words[state % (sizeof words / sizeof words[0])];
}

static int run(const char *work, uint64_t count, const char *path, uint64_t *operations)
{
    *operations = count;
    if (strcmp(work, "getppid") == 0)
        return call_getppid(count);
    if (strcmp(work, "read") == 0)
        return read_bytes(count);
    if (strcmp(work, "write") == 0)
        return write_bytes(count);
    if (strcmp(work, "open") == 0)
        return open_file(count, path);
    if (strcmp(work, "files") == 0) {
        *operations = 0;
        return walk_rounds(count, path, operations);
    }
    computed = compute(count);
    return 0;
}

static int is_work(const char *word)
{
    static const char *const known[] = { "getppid", "read", "write", "open", "files", "cpu" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(word, known[i]) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    errno = 0;
    unsigned long long count = argc > 2 ? strtoull(argv[2], &end, 10) : 0;
    int needs_path = argc > 1 && (strcmp(argv[1], "files") == 0 || strcmp(argv[1], "open") == 0);
    if (argc != (needs_path ? 4 : 3) || !is_work(argv[1]) || errno || !end || *end || count == 0) {
        fprintf(stderr, "usage: glovebox-workload getppid|read|write|cpu COUNT, open COUNT FILE, or files ROUNDS DIR\n");
        return USAGE;
    }
    uint64_t operations;
    /* Once without a clock: first touches of memory and caches are a launch's cost. */
    if (run(argv[1], count / 8 + 1, argv[3], &operations) < 0)
        return 1;
    /* The thread's clock: where a limit on processor time holds, the process's one counts in ticks. */
    uint64_t wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (run(argv[1], count, argv[3], &operations) < 0)
        return 1;
    cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    if (printf("%llu %llu %llu\n", (unsigned long long)operations, (unsigned long long)wall, (unsigned long long)cpu) < 0)
        return 1;
    return fflush(stdout) == 0 ? 0 : 1;
}
