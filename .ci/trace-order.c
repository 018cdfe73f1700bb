// Which functions a program runs, in the order of their first use. Reads "ADDRESS NAME" lines, puts a breakpoint on each address,
// takes it away when it is hit and prints the name. For static programs at a fixed place; programs that it starts run free.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FUNCTIONS_MAX = 1 << 18 };
static struct function {
    unsigned long address;
    char *name;
    long first; // the word that stood there
} functions[FUNCTIONS_MAX];
static size_t function_count;

static int by_address(const void *a, const void *b)
{
    unsigned long x = ((const struct function *)a)->address, y = ((const struct function *)b)->address;
    return (x > y) - (x < y);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "trace-order: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_functions(void)
{
    unsigned long address;
    char *name;
    while (function_count < FUNCTIONS_MAX && scanf("%lx %ms", &address, &name) == 2)
        functions[function_count++] = (struct function){.address = address, .name = name};
    qsort(functions, function_count, sizeof functions[0], by_address);
}

// One byte, and the others as they are now: a neighbour's breakpoint may be among them.
static void put_byte(pid_t pid, unsigned long at, uint8_t byte)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xFFL) | byte) < 0) fail("poke");
}

// Aliases share an address: all their names count, and the breakpoint goes with the first.
static void hit(pid_t pid)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0) fail("registers");
    struct function key = {.address = registers.rip - 1};
    struct function *found = bsearch(&key, functions, function_count, sizeof key, by_address);
    if (found == NULL) return;
    while (found > functions && found[-1].address == key.address) found--;
    put_byte(pid, key.address, (uint8_t)found->first);
    for (; found < functions + function_count && found->address == key.address; found++) puts(found->name);
    registers.rip = key.address;
    if (ptrace(PTRACE_SETREGS, pid, NULL, &registers) < 0) fail("registers");
}

int main(int count, char **words)
{
    if (count < 2) return 2;
    read_functions();
    pid_t traced = fork();
    if (traced < 0) fail("fork");
    if (traced == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) execv(words[1], words + 1);
        _exit(127);
    }
    int status;
    if (waitpid(traced, &status, 0) < 0) fail("waitpid");
    // A child shares the memory, and so the breakpoints, until its own exec.
    ptrace(PTRACE_SETOPTIONS, traced, NULL, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    for (size_t i = 0; i < function_count; i++) functions[i].first = ptrace(PTRACE_PEEKTEXT, traced, functions[i].address, NULL);
    for (size_t i = 0; i < function_count; i++) put_byte(traced, functions[i].address, 0xCC);
    pid_t pid = traced;
    for (;;) {
        int number = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC && pid != traced) {
            ptrace(PTRACE_DETACH, pid, NULL, NULL);
        } else {
            if (number == SIGTRAP && event == 0) hit(pid);
            int isOurs = number == SIGTRAP || event != 0 || (number == SIGSTOP && pid != traced);
            ptrace(PTRACE_CONT, pid, NULL, (long)(isOurs ? 0 : number));
        }
        do {
            pid = waitpid(-1, &status, __WALL);
            if (pid < 0) fail("waitpid");
        } while (pid != traced && !WIFSTOPPED(status));
        if (pid == traced && !WIFSTOPPED(status)) break;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    fprintf(stderr, "trace-order: the program failed (wait status %x)\n", (unsigned)status);
    return 1;
}
