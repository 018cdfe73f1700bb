#define _GNU_SOURCE
#include "worker_seal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// The low half of an argument: x86-64 is little-endian, and these arguments are 32-bit.
#define LOAD_ARGUMENT(number) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (number))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
// Two instructions: the answer for one call.
#define FOR(call, action) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), ANSWER(action)
#define FOREIGN_ENDS \
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), LOAD(nr)

static const struct sock_filter waiting[] = {
    FOREIGN_ENDS,
    // What it holds.
    FOR(SYS_read, SECCOMP_RET_ALLOW),
    FOR(SYS_write, SECCOMP_RET_ALLOW),
    FOR(SYS_lseek, SECCOMP_RET_ALLOW),
    FOR(SYS_close, SECCOMP_RET_ALLOW),
    FOR(SYS_poll, SECCOMP_RET_ALLOW),
    // Its memory, of no file and never executable: args 2 are the protection, args 3 of mmap its flags.
    FOR(SYS_brk, SECCOMP_RET_ALLOW),
    FOR(SYS_munmap, SECCOMP_RET_ALLOW),
    FOR(SYS_mremap, SECCOMP_RET_ALLOW),
    FOR(SYS_madvise, SECCOMP_RET_ALLOW),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4),
    LOAD_ARGUMENT(2),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    ANSWER(SECCOMP_RET_ALLOW),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 6),
    LOAD_ARGUMENT(2),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 2, 0),
    LOAD_ARGUMENT(3),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    ANSWER(SECCOMP_RET_ALLOW),
    // Its own threads' and signals' bookkeeping, time and randomness.
    FOR(SYS_futex, SECCOMP_RET_ALLOW),
    FOR(SYS_rt_sigprocmask, SECCOMP_RET_ALLOW),
    FOR(SYS_rt_sigreturn, SECCOMP_RET_ALLOW),
    FOR(SYS_restart_syscall, SECCOMP_RET_ALLOW),
    FOR(SYS_sched_yield, SECCOMP_RET_ALLOW),
    FOR(SYS_clock_gettime, SECCOMP_RET_ALLOW),
    FOR(SYS_getrandom, SECCOMP_RET_ALLOW),
    FOR(SYS_exit, SECCOMP_RET_ALLOW),
    FOR(SYS_exit_group, SECCOMP_RET_ALLOW),
    // Until the call is there (gb_seal_call takes these).
    FOR(SYS_recvmsg, SECCOMP_RET_ALLOW),
    FOR(SYS_fcntl, SECCOMP_RET_ALLOW),
    FOR(SYS_dup3, SECCOMP_RET_ALLOW),
    FOR(SYS_close_range, SECCOMP_RET_ALLOW),
    FOR(SYS_chdir, SECCOMP_RET_ALLOW),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
};

// On top of the other: what both allow is allowed. Short, because it is installed in the call's time.
static const struct sock_filter serving[] = {
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvmsg, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 5, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup3, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chdir, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 1, 0),
    ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
};

static int install(const struct sock_filter *filter, size_t count)
{
    struct sock_fprog program = {.len = (unsigned short)count, .filter = (struct sock_filter *)(uintptr_t)filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

int gb_seal_waiting(void) { return install(waiting, sizeof waiting / sizeof waiting[0]); }

int gb_seal_call(void) { return install(serving, sizeof serving / sizeof serving[0]); }
