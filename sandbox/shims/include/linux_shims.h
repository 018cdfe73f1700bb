// Linux calls that Swift's Glibc module does not show (measured with glibc 2.36), because their prototypes need
// _GNU_SOURCE, because they are variadic, or because they are macros or system calls without a wrapper.
//
// Every function that returns a number returns it as >= 0, or a negated errno; none of them touches errno for its caller,
// none retries on EINTR, and every descriptor they make is close-on-exec from birth.
#ifndef GLOVEBOX_LINUX_SHIMS_H
#define GLOVEBOX_LINUX_SHIMS_H

#include <stddef.h>
#include <stdint.h>

#ifndef __clang__
#define _Nonnull
#define _Nullable
#endif

// ---- constants (constants.c asserts that they equal the system's) --------------------------------------------------

// open flags: glibc shows them under _GNU_SOURCE only
#define GBX_O_PATH 010000000
#define GBX_O_NOATIME 01000000

// path lookup flags: macros of linux/openat2.h, which Swift's Glibc does not include
#define GBX_RESOLVE_NO_XDEV 0x01ull
#define GBX_RESOLVE_NO_MAGICLINKS 0x02ull
#define GBX_RESOLVE_NO_SYMLINKS 0x04ull
#define GBX_RESOLVE_BENEATH 0x08ull
#define GBX_RESOLVE_IN_ROOT 0x10ull

#define GBX_AT_EMPTY_PATH 0x1000 // _GNU_SOURCE
#define GBX_AT_SYMLINK_FOLLOW 0x400

#define GBX_RENAME_NOREPLACE 1u // _GNU_SOURCE
#define GBX_RENAME_EXCHANGE 2u

// memory files and seals: _GNU_SOURCE; the NOEXEC pair is younger than our headers (Linux 6.3)
#define GBX_MFD_CLOEXEC 0x1u
#define GBX_MFD_ALLOW_SEALING 0x2u
#define GBX_MFD_NOEXEC_SEAL 0x8u
#define GBX_MFD_EXEC 0x10u
#define GBX_F_SEAL_SEAL 0x1
#define GBX_F_SEAL_SHRINK 0x2
#define GBX_F_SEAL_GROW 0x4
#define GBX_F_SEAL_WRITE 0x8
#define GBX_F_SEAL_EXEC 0x20 // Linux 6.3: no change of the executable bits

#define GBX_WAIT_NOHANG 1 // options of gbx_wait_pidfd

// seccomp return actions: macros of linux/seccomp.h
#define GBX_SECCOMP_KILL_PROCESS 0x80000000u
#define GBX_SECCOMP_TRAP 0x00030000u
#define GBX_SECCOMP_ERRNO 0x00050000u
#define GBX_SECCOMP_USER_NOTIF 0x7fc00000u
#define GBX_SECCOMP_LOG 0x7ffc0000u
#define GBX_SECCOMP_ALLOW 0x7fff0000u

// ---- descriptors.c -----------------------------------------------------------------------------------------------------

// pipe2: _GNU_SOURCE
int gbx_pipe(int ends[_Nonnull 2]);
// eventfd: sys/eventfd.h is not in Swift's Glibc; counter semantics, non-blocking
int gbx_eventfd(unsigned initial);
// fcntl: variadic
int gbx_duplicate(int fd, int lowest);
int gbx_set_nonblocking(int fd, int on);
// 1: O_NONBLOCK is set, 0: it is not
int gbx_is_nonblocking(int fd);
// 1: FD_CLOEXEC is set, 0: it is not
int gbx_is_close_on_exec(int fd);
// FIONREAD: bytes that a pipe holds now. ioctl is variadic
int gbx_readable_bytes(int fd);
// O_ACCMODE and the other status flags (F_GETFL)
int gbx_status_flags(int fd);

// flock(LOCK_EX | LOCK_NB): Swift takes the name for the struct. -EWOULDBLOCK: somebody holds it.
int gbx_try_lock(int fd);

// memfd_create: _GNU_SOURCE; close-on-exec is always added
int gbx_memfd(const char *_Nonnull name, unsigned flags);
// F_ADD_SEALS, F_GET_SEALS: _GNU_SOURCE and variadic
int gbx_add_seals(int fd, int seals);
int gbx_seals(int fd);

// ---- process.c ---------------------------------------------------------------------------------------------------------

// pidfd_open, pidfd_send_signal: no wrapper before glibc 2.36, not in Swift's Glibc
int gbx_pidfd_open(int pid);
int gbx_pidfd_send_signal(int pidfd, int signal);

// The same for one thread (Linux 6.9; -EINVAL before): its own descriptor table is what pidfd_getfd sees.
int gbx_pidfd_open_thread(int tid);
// pidfd_getfd: no wrapper before glibc 2.36. A descriptor of ours for the process's descriptor `fd`, close-on-exec.
int gbx_pidfd_getfd(int pidfd, int fd);

struct gbx_exit {
    int32_t finished; // 0: still running (only with GBX_WAIT_NOHANG)
    int32_t pid;
    int32_t signaled; // 0: `value` is the exit status, 1: the signal that killed it
    int32_t value;
    int32_t core_dumped;
    uint64_t user_us; // CPU time of the child and of what it reaped
    uint64_t system_us;
    uint64_t peak_bytes; // largest resident set of one of them
};
// waitid(P_PIDFD, WEXITED) with resource usage: glibc's waitid has no rusage argument
int gbx_wait_pidfd(int pidfd, int options, struct gbx_exit *_Nonnull out);

// process_vm_readv: _GNU_SOURCE. Bytes read; fewer than `count` when the range runs into an unmapped page.
int64_t gbx_read_process_memory(int pid, uint64_t address, void *_Nonnull buffer, size_t count);

// prctl: variadic
int gbx_prctl(int option, unsigned long argument);
int gbx_set_thread_name(const char *_Nonnull name);

// File-system identity of the calling thread alone. glibc's set*id functions change every thread of the process.
// The kernel reports no failure of setfsuid: these read the value back and return -EPERM when it did not change.
int gbx_set_thread_fsuid(uint32_t uid);
int gbx_set_thread_fsgid(uint32_t gid);
int gbx_set_thread_groups(size_t count, const uint32_t *_Nullable groups);
uint32_t gbx_thread_fsuid(void);
uint32_t gbx_thread_fsgid(void);

// unshare(CLONE_FS): from now on working directory and umask are the calling thread's own, and those of threads that it starts
int gbx_own_directory(void);
// environ: Swift takes the name for a variable that nobody may read. NULL at its end.
char *_Nullable *_Nullable gbx_environment(void);
// getpriority(PRIO_PROCESS) as the kernel answers: 20 - nice, 1...40
int gbx_priority(int pid);

// Effective ids of the calling thread alone (setresuid, setresgid; -1 for the others): what a peer sees in SO_PEERCRED.
// File ids and, as root, the effective capabilities follow.
int gbx_set_thread_effective_user(uint32_t uid);
int gbx_set_thread_effective_group(uint32_t gid);
uint32_t gbx_thread_effective_user(void);
uint32_t gbx_thread_effective_group(void);

// posix_spawn of `path` with `output` as 1, 0 and 2 on /dev/null, nothing else, an empty environment, no signal blocked or
// ignored. On success *pid is the child; returns 0.
int gbx_spawn_asking(const char *_Nonnull path, char *const _Nullable argv[_Nonnull], int output, int *_Nonnull pid);

// posix_spawn of `path` with 0 and 1 on /dev/null, 2 inherited, `inherited` as 3, nothing else, an empty environment,
// no signal blocked or ignored (addclosefrom_np: _GNU_SOURCE). On success *pid is the child; returns 0.
int gbx_spawn(const char *_Nonnull path, char *const _Nullable argv[_Nonnull], int inherited, int *_Nonnull pid);

// ---- paths.c -----------------------------------------------------------------------------------------------------------

// openat2: system call without a wrapper; O_CLOEXEC is always added
int gbx_openat2(int directory, const char *_Nonnull path, int flags, unsigned mode, uint64_t resolve);
// renameat2: _GNU_SOURCE
int gbx_renameat2(int from_directory, const char *_Nonnull from, int to_directory, const char *_Nonnull to, unsigned flags);

struct gbx_identity {
    uint64_t device; // st_dev
    uint64_t inode;
    uint64_t mount; // mount id (STATX_MNT_ID), 0 when the kernel does not tell
    uint64_t size;
    int64_t modified_ns; // since the epoch
    int64_t changed_ns;
    int64_t born_ns; // 0 when the file system does not tell
    uint64_t links;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t special_major; // st_rdev of a device node
    uint32_t special_minor;
};
// statx: _GNU_SOURCE. An empty path with GBX_AT_EMPTY_PATH asks for the descriptor itself.
int gbx_statx(int directory, const char *_Nonnull path, int flags, struct gbx_identity *_Nonnull out);

// fstatfs: sys/statfs.h is not in Swift's Glibc. f_type of the file system.
int64_t gbx_filesystem_magic(int fd);

// getdents64, which Swift's Glibc does not have: bytes of whole linux_dirent64 records, 0 at the end of the directory.
int64_t gbx_getdents(int fd, void *_Nonnull buffer, size_t size);

// ---- sockets.c ---------------------------------------------------------------------------------------------------------

#define GBX_MAX_PASSED_DESCRIPTORS 16

// socketpair(AF_UNIX, SOCK_SEQPACKET): the type constants are an enum in Swift that socketpair does not take
int gbx_seqpacket_pair(int ends[_Nonnull 2]);
// socketpair(AF_UNIX, SOCK_STREAM)
int gbx_stream_pair(int ends[_Nonnull 2]);

// sendmsg with SCM_RIGHTS: CMSG_* are macros. One message of header + body; MSG_NOSIGNAL. At most
// GBX_MAX_PASSED_DESCRIPTORS descriptors. Returns the bytes sent.
int64_t gbx_send_message(int fd, const void *_Nullable header, size_t header_size, const void *_Nullable body, size_t body_size,
                         const int *_Nullable descriptors, size_t descriptor_count, int dont_wait);

// recvmsg with SCM_RIGHTS. Returns the bytes received, 0 at the end. A message that is longer than `size`, carries more
// descriptors than `descriptor_capacity`, or was cut by the kernel is -EMSGSIZE, and what it carried is closed.
int64_t gbx_receive_message(int fd, void *_Nonnull buffer, size_t size, int *_Nullable descriptors, size_t descriptor_capacity,
                            size_t *_Nonnull descriptor_count, int dont_wait);

// SO_PASSCRED: from now on every piece that is read from the socket names its writer. Set it before the peer can write.
int gbx_pass_credentials(int fd);
// recvmsg that tells who wrote, in our pid namespace (0: nobody we can see). One call never joins pieces of two writers.
// Descriptors that came along are never opened: *descriptors_dropped says that there were some.
int64_t gbx_receive_from_writer(int fd, void *_Nonnull buffer, size_t size, int32_t *_Nonnull writer,
                                int *_Nonnull descriptors_dropped);

struct gbx_peer {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};
// SO_PEERCRED: struct ucred needs _GNU_SOURCE
int gbx_peer_credentials(int fd, struct gbx_peer *_Nonnull out);
// SO_PEERPIDFD (Linux 6.5, -ENOPROTOOPT before): the process that connected, held so that its number cannot come to mean another
int gbx_peer_pidfd(int fd);

// Named unix sockets of type SOCK_SEQPACKET. The path has at most 107 bytes (-ENAMETOOLONG); nothing is removed or replaced.
// A listening one: waiting connections beyond `backlog` are refused. Its accept waits.
int gbx_listen_at(const char *_Nonnull path, int backlog);
// A connected, non-blocking one. Never waits: -EAGAIN while the listener has no room.
int gbx_connect_to(const char *_Nonnull path);
// accept4: _GNU_SOURCE. The connection is non-blocking.
int gbx_accept(int fd);
// 1: a unix SOCK_SEQPACKET socket that listens, 0: something else
int gbx_is_listening(int fd);
// The path it is bound to, without a NUL at the end. Its length; 0 for a socket without a path.
int64_t gbx_bound_path(int fd, char *_Nonnull out, size_t capacity);
// shutdown(SHUT_RD): what the peer sent before can still be read, and then comes the end; what it sends is EPIPE there
int gbx_stop_receiving(int fd);

// A datagram socket bound to an abstract name (without the leading NUL): sun_path and its length are awkward in Swift.
int gbx_bind_abstract(const char *_Nonnull name, size_t length);

struct gbx_socket_facts {
    int32_t family; // AF_*
    int32_t type;   // SOCK_*
    int32_t protocol;
    uint64_t network; // cookie of the network namespace it was made in; no two living ones are equal
};
// SO_DOMAIN, SO_TYPE, SO_PROTOCOL, SO_NETNS_COOKIE (Linux 5.14; not in Swift's Glibc). -ENOTSOCK for anything else.
int gbx_socket_facts(int fd, struct gbx_socket_facts *_Nonnull out);
// socket, non-blocking: the type constants are an enum in Swift
int gbx_socket(int family, int type, int protocol);
// connect, bind: an address as bytes, without Swift's detour over every sockaddr type
int gbx_connect(int fd, const void *_Nonnull address, size_t size);
int gbx_bind(int fd, const void *_Nonnull address, size_t size);
// shutdown(SHUT_RDWR): wakes a thread that waits in connect
int gbx_shut_down(int fd);
int gbx_reuse_address(int fd);
// SO_LINGER with no time: the last close breaks a connection off instead of waiting for its peer
int gbx_abort_on_close(int fd);
// 1: IPV6_V6ONLY is set, 0: it is not
int gbx_is_ipv6_only(int fd);
// Time-outs, linger, keep-alive and no-delay of one TCP socket for another
void gbx_copy_stream_options(int from, int to);

// ---- terminal.c --------------------------------------------------------------------------------------------------------

// posix_openpt (O_CLOEXEC) and TIOCSPTLCK. grantpt is not needed: devpts gives the slave its owner.
int gbx_open_terminal_master(void);
// TIOCGPTPEER: opens the slave without a path, so a /dev/pts that is not ours cannot be confused with it
int gbx_open_terminal_slave(int master);

struct gbx_window {
    uint16_t rows, columns, width_pixels, height_pixels;
};
// TIOCGWINSZ, TIOCSWINSZ: ioctl is variadic
int gbx_terminal_window(int fd, struct gbx_window *_Nonnull out);
int gbx_set_terminal_window(int fd, const struct gbx_window *_Nonnull window);

#define GBX_TERMINAL_STATE_SIZE 64
struct gbx_terminal_state {
    uint64_t bytes[GBX_TERMINAL_STATE_SIZE / 8]; // a struct termios, opaque
};
// tcgetattr, cfmakeraw, tcsetattr: kept together so that no caller holds a half-made termios. TCSANOW: draining would wait for
// as long as somebody has stopped the terminal, and what was written keeps the form in which it was written.
int gbx_terminal_make_raw(int fd, struct gbx_terminal_state *_Nonnull previous);
int gbx_terminal_restore(int fd, const struct gbx_terminal_state *_Nonnull state);
int gbx_is_terminal(int fd);

// ---- kernel.c ----------------------------------------------------------------------------------------------------------

// landlock_create_ruleset(NULL, 0, VERSION): system call without a wrapper. The ABI, >= 1.
int gbx_landlock_abi(void);
// getrandom: sys/random.h is not in Swift's Glibc. Fills the whole buffer.
int gbx_random(void *_Nonnull buffer, size_t count);
// strerrorname_np: _GNU_SOURCE. NULL for a number that is no errno.
const char *_Nullable gbx_errno_symbol(int number);
// The text of strerror, in a thread-safe way: strerror_r has two incompatible prototypes.
const char *_Nonnull gbx_errno_text(int number);
// capget: not in glibc. Bit n is capability n of the calling thread's effective set.
int gbx_effective_capabilities(uint64_t *_Nonnull out);
// sigprocmask(SIG_BLOCK) and signalfd: sys/signalfd.h is not in Swift's Glibc. A non-blocking descriptor.
int gbx_signalfd(const int *_Nonnull signals, size_t count);
// Reads one signal from it: its number, or -EAGAIN.
int gbx_take_signal(int descriptor);
// The running program's NT_GNU_BUILD_ID, from its program headers (AT_PHDR). Returns its length, 0 when the linker wrote none or
// when it is longer than `capacity`.
size_t gbx_build_id(uint8_t *_Nonnull out, size_t capacity);
// getrlimit: RLIMIT_* import as an enum that Swift's getrlimit does not take. UINT64_MAX is no limit.
int gbx_limit(int resource, uint64_t *_Nonnull soft, uint64_t *_Nonnull hard);
#define GBX_RLIMIT_CPU 0
#define GBX_RLIMIT_FSIZE 1
#define GBX_RLIMIT_DATA 2
#define GBX_RLIMIT_STACK 3
#define GBX_RLIMIT_CORE 4
#define GBX_RLIMIT_RSS 5
#define GBX_RLIMIT_NPROC 6
#define GBX_RLIMIT_NOFILE 7
#define GBX_RLIMIT_MEMLOCK 8
#define GBX_RLIMIT_AS 9
#define GBX_RLIMIT_LOCKS 10
#define GBX_RLIMIT_SIGPENDING 11
#define GBX_RLIMIT_MSGQUEUE 12
#define GBX_RLIMIT_NICE 13
#define GBX_RLIMIT_RTPRIO 14
#define GBX_RLIMIT_RTTIME 15

// ---- seccomp.c ---------------------------------------------------------------------------------------------------------

// seccomp(SECCOMP_GET_ACTION_AVAIL): system call without a wrapper. 1 or 0.
int gbx_seccomp_action_available(uint32_t action);
// seccomp(SECCOMP_GET_NOTIF_SIZES): the kernel's record sizes, which may be larger than our headers'
int gbx_notification_sizes(uint16_t *_Nonnull notification, uint16_t *_Nonnull response, uint16_t *_Nonnull data);

struct gbx_notification {
    uint64_t id;
    uint32_t pid; // of the calling thread, in our pid namespace; 0 when it is not visible there
    int32_t nr;
    uint32_t arch; // AUDIT_ARCH_*
    uint64_t ip;
    uint64_t args[6];
};
// SECCOMP_IOCTL_NOTIF_*: ioctl is variadic, the numbers are macros. Receiving waits until there is a notification: poll
// first. -ENOENT: the caller died meanwhile.
int gbx_notification_receive(int listener, struct gbx_notification *_Nonnull out);
int gbx_notification_answer_error(int listener, uint64_t id, int error);
int gbx_notification_answer_value(int listener, uint64_t id, int64_t value);
// Lets the call happen. The kernel reads what its pointers lead to again, and the tool can have changed that: only for calls that
// were stopped to be seen and would be allowed whatever they name.
int gbx_notification_continue(int listener, uint64_t id);
// 1: the caller still waits, 0: it does not
int gbx_notification_is_valid(int listener, uint64_t id);
// Puts a copy of `descriptor` into the caller: at number `target`, or at the lowest free one when it is -1; close-on-exec
// there when `close_on_exec`. With `answer_too`, the number is also the answer of the call, atomically. Returns the number.
int gbx_notification_add_descriptor(int listener, uint64_t id, int descriptor, int target, int close_on_exec, int answer_too);

#endif
