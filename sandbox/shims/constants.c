// The constants of the header, held against the system's own.
#define _GNU_SOURCE
#include "linux_shims.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>

#define SAME(name) _Static_assert(GBX_##name == name, #name)

SAME(O_PATH);
SAME(O_NOATIME);
SAME(RESOLVE_NO_XDEV);
SAME(RESOLVE_NO_MAGICLINKS);
SAME(RESOLVE_NO_SYMLINKS);
SAME(RESOLVE_BENEATH);
SAME(RESOLVE_IN_ROOT);
SAME(AT_EMPTY_PATH);
SAME(AT_SYMLINK_FOLLOW);
SAME(RENAME_NOREPLACE);
SAME(RENAME_EXCHANGE);
SAME(MFD_CLOEXEC);
SAME(MFD_ALLOW_SEALING);
SAME(F_SEAL_SEAL);
SAME(F_SEAL_SHRINK);
SAME(F_SEAL_GROW);
SAME(F_SEAL_WRITE);
SAME(RLIMIT_CPU);
SAME(RLIMIT_FSIZE);
SAME(RLIMIT_DATA);
SAME(RLIMIT_STACK);
SAME(RLIMIT_CORE);
SAME(RLIMIT_RSS);
SAME(RLIMIT_NPROC);
SAME(RLIMIT_NOFILE);
SAME(RLIMIT_MEMLOCK);
SAME(RLIMIT_AS);
SAME(RLIMIT_LOCKS);
SAME(RLIMIT_SIGPENDING);
SAME(RLIMIT_MSGQUEUE);
SAME(RLIMIT_NICE);
SAME(RLIMIT_RTPRIO);
SAME(RLIMIT_RTTIME);
_Static_assert(GBX_WAIT_NOHANG == WNOHANG, "WNOHANG");
_Static_assert(GBX_SECCOMP_KILL_PROCESS == SECCOMP_RET_KILL_PROCESS, "kill");
_Static_assert(GBX_SECCOMP_TRAP == SECCOMP_RET_TRAP, "trap");
_Static_assert(GBX_SECCOMP_ERRNO == SECCOMP_RET_ERRNO, "errno");
_Static_assert(GBX_SECCOMP_USER_NOTIF == SECCOMP_RET_USER_NOTIF, "notify");
_Static_assert(GBX_SECCOMP_LOG == SECCOMP_RET_LOG, "log");
_Static_assert(GBX_SECCOMP_ALLOW == SECCOMP_RET_ALLOW, "allow");
_Static_assert(sizeof(struct termios) <= GBX_TERMINAL_STATE_SIZE, "terminal state");
