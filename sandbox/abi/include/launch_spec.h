// The wire between the Swift supervisor and glovebox-launcher.
//
// A launch request is one SOCK_SEQPACKET message: `gb_request`, followed by the launch spec itself when it is small
// (GB_INLINE_SPEC_MAX), with descriptors in SCM_RIGHTS. A larger spec travels in a memfd. Everything is in host byte
// order: both ends are the same machine and the same build; `version` refuses every other pairing.
//
// The launcher trusts nothing in a spec: each offset, length, count, enumerator and flag is checked, unknown values are
// fatal to that request (never to the launcher), and every string must end inside the string section.
#ifndef GLOVEBOX_LAUNCH_SPEC_H
#define GLOVEBOX_LAUNCH_SPEC_H

#include <stdint.h>

#define GB_SPEC_MAGIC 0x58424c47u /* "GLBX" */
#define GB_SPEC_VERSION 2u

// Bounds. They are generous for real policies and small enough that a hostile spec cannot make the launcher work hard.
#define GB_SPEC_MAX (6u << 20)         // bytes of one spec; ARG_MAX is 2 MiB with an 8 MiB stack
#define GB_INLINE_SPEC_MAX (96u << 10) // below the default SO_SNDBUF of a unix socket
#define GB_MAX_MOUNTS 384u
#define GB_MAX_PATH_RULES 256u
#define GB_MAX_RLIMITS 24u
#define GB_MAX_STRINGS 65536u      // argv + envp together
#define GB_MAX_FILTER_INSNS 4096u  // BPF_MAXINSNS
#define GB_MAX_CGROUPS 8u
#define GB_MAX_DESCRIPTORS 16u

// Descriptor slots of a request, in the order in which they are passed. Absent optional ones leave no gap: the flags say
// which are there.
//   status socket, stdin, stdout, stderr, [channel], [spec memfd], cgroup descriptors…
//   PARK: status socket, [spec memfd], cgroup descriptors…        START: stdin, stdout, stderr, [channel]

// ---- request -------------------------------------------------------------------------------------------------------

enum gb_request_flags {
    GB_REQUEST_SPEC_IN_MEMFD = 1u << 0,
    GB_REQUEST_HAS_CHANNEL = 1u << 1,
    GB_REQUEST_CGROUP_V2 = 1u << 2, // the one cgroup descriptor is a v2 directory: CLONE_INTO_CGROUP
    GB_REQUEST_PREPARE = 1u << 3,   // no launch: make the namespaces of the next one; a gb_preparation follows, no descriptors
    GB_REQUEST_PARK = 1u << 4,      // build the sandbox, answer PARKED on the status socket, and wait there for one START
    GB_REQUEST_START = 1u << 5,     // supervisor → parked process, on the status socket: a spec with GB_SPEC_START follows
};

struct gb_request {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;        // gb_request_flags
    uint32_t spec_size;    // bytes, whether inline or in the memfd
    uint32_t cgroup_count; // v2: 0 or 1 directory; v1: descriptors of `tasks`, one per hierarchy
    uint32_t reserved;     // zero
};

// What has to be known of a launch to make its process and namespaces ahead of its spec. A launch that asks for anything else
// than what was prepared gets a process of its own, as if nothing had been.
struct gb_preparation {
    uint32_t spec_flags; // of MAPPED_BY_LAUNCHER and NEW_TIME_NS those that the spec will have
    uint32_t inner_uid, inner_gid, outer_uid, outer_gid;
    uint32_t flags;      // gb_preparation_flags
};

enum gb_preparation_flags {
    GB_PREPARE_ONLY_LAUNCH = 1u << 0, // no other follows it: the launcher ends with it, and dismantles its mounts
};

// ---- launch spec ---------------------------------------------------------------------------------------------------

enum gb_spec_flags {
    GB_SPEC_LOOPBACK = 1u << 0,      // bring `lo` up in the new network namespace
    GB_SPEC_TERMINAL = 1u << 1,      // descriptor 0 is our own pty: make it the controlling terminal
    GB_SPEC_NOTIFY = 1u << 2,        // install the filter with a listener and hand it to the supervisor
    GB_SPEC_LANDLOCK = 1u << 3,      // absent only when the policy waives Landlock
    GB_SPEC_SECCOMP = 1u << 4,       // absent only when the policy waives seccomp
    GB_SPEC_MEMFD_NOEXEC = 1u << 5,  // vm.memfd_noexec=2 in the new pid namespace; needs the host's root
    GB_SPEC_MAPPED_BY_LAUNCHER = 1u << 6, // id maps are written by the (root) launcher; else the child writes its own
    GB_SPEC_NEW_TIME_NS = 1u << 7,
    GB_SPEC_NEW_CGROUP_NS = 1u << 8,
    GB_SPEC_START = 1u << 9,         // not a sandbox, but what one call brings to a parked one
    GB_SPEC_SHARED_NETWORK = 1u << 10, // may be put into the launcher's one network namespace without a way out, with others
    GB_SPEC_PARK_TOOL = 1u << 11, // of a parked sandbox: the tool's process itself waits, filtered and limited already
    GB_SPEC_ALL_FLAGS = (1u << 12) - 1,
};

// Open files that a tool with GB_SPEC_PARK_TOOL needs at its START: its limit on them holds by then.
#define GB_PARKED_TOOL_FILES 16u

// A stretch of the spec. Strings are NUL-terminated and referred to by their offset in the string section.
struct gb_section {
    uint32_t offset; // from the start of the spec
    uint32_t count;  // records, or bytes for the string and filter sections
};

enum gb_mount_kind {
    GB_MOUNT_DIRECTORY = 1, // mkdir target
    GB_MOUNT_FILE = 2,      // create target holding `source` as its text
    GB_MOUNT_SYMLINK = 3,   // target → source
    GB_MOUNT_BIND = 4,      // source (host path without links, checked against device+inode) → target
    GB_MOUNT_TMPFS = 5,     // size, inodes, mode
    GB_MOUNT_PROC = 6,      // fresh proc
    GB_MOUNT_DEVPTS = 7,    // fresh devpts
    GB_MOUNT_MASK = 8,      // make an existing target unreachable (EACCES); absent target: skipped
    GB_MOUNT_RESTRICT = 9,  // take writing (RDONLY), running (NOEXEC) or both from an existing target, a part of an earlier
                            // bind; absent target: skipped
};

enum gb_mount_flags {
    GB_MOUNT_RDONLY = 1u << 0,
    GB_MOUNT_NOEXEC = 1u << 1,
    GB_MOUNT_DEVICE = 1u << 2,   // a device node: no MS_NODEV on this one bind
    GB_MOUNT_IDMAP = 1u << 3,    // owner_uid/owner_gid on disk appear as the tool's own ids (root launcher only)
    GB_MOUNT_SHARED = 1u << 4,   // with IDMAP: every other on-disk id below the owner's is mapped too, to an id that nobody has
    GB_MOUNT_ALL_FLAGS = (1u << 5) - 1,
};

// Entries are carried out in order. The first `template_count` of them are the same for every run of a policy: as root the
// launcher builds them once and copies the finished tree. In each of the two parts those that create something (directory,
// file, symlink, tmpfs) stand before the first bind: until then the tree is ours alone and holds no link that a tool could
// have planted. In the second part, which comes after the first part's binds, they create only below /tmp and /dev.
// What a mask shows instead of its target: created by the spec as a mode-000 file and directory under GB_SEALED.
#define GB_SEALED "/.sealed"
#define GB_SEALED_FILE "/.sealed/file"
#define GB_SEALED_DIRECTORY "/.sealed/directory"

// First of the host ids that stand for "somebody else" in a shared directory: the kernel lets nobody write where the owner has
// no id in the mount, so those who do not take part need one as well. Behind the range that runs lease.
#define GB_SHARED_ID_BASE 1900100000u

struct gb_mount {
    uint32_t kind;   // gb_mount_kind
    uint32_t flags;  // gb_mount_flags
    uint32_t source; // string offset
    uint32_t target; // string offset; absolute inside the sandbox
    uint64_t device; // bind: st_dev that the supervisor saw
    uint64_t inode;  // bind: st_ino that the supervisor saw
    uint64_t size;   // tmpfs: bytes
    uint32_t inodes; // tmpfs: nr_inodes
    uint32_t mode;   // directory, file, tmpfs: permission bits
    uint32_t owner_uid;
    uint32_t owner_gid;
};

// One Landlock path rule: `path` inside the finished sandbox root.
struct gb_path_rule {
    uint64_t access; // LANDLOCK_ACCESS_FS_*
    uint32_t path;   // string offset
    uint32_t flags;  // gb_path_rule_flags
};

enum gb_path_rule_flags {
    GB_PATH_RULE_OPTIONAL = 1u << 0, // an absent path is skipped
    GB_PATH_RULE_ALL_FLAGS = 1u,
};

struct gb_rlimit {
    uint32_t resource; // RLIMIT_*
    uint32_t reserved;
    uint64_t soft;
    uint64_t hard;
};

struct gb_spec {
    uint32_t magic;
    uint32_t version;
    uint32_t size; // whole spec, equals gb_request.spec_size
    uint32_t flags;
    struct gb_section strings;
    struct gb_section argv; // uint32_t string offsets
    struct gb_section envp; // uint32_t string offsets
    struct gb_section mounts;
    struct gb_section path_rules;
    struct gb_section rlimits;
    struct gb_section filter; // bytes of struct sock_filter
    uint32_t working_directory; // string offset
    uint32_t hostname;          // string offset
    uint32_t search_path;       // string offset: PATH for argv[0] without a slash
    uint32_t inner_uid;
    uint32_t inner_gid;
    uint32_t outer_uid; // host ids that the inner ones map to
    uint32_t outer_gid;
    uint32_t landlock_abi; // the ABI that the access masks below were made for; a kernel with less refuses
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
    uint64_t root_size; // bytes of the root tmpfs
    uint32_t root_inodes;
    uint32_t template_count; // leading mounts that belong to the template
    uint64_t template_key;   // names the template within this launcher's life; 0: build everything for this run
    uint64_t exec_page; // address at which the program's path stands when execve is called, or 0: see sandbox/README.md
};

// What a START brings is a spec too, with GB_SPEC_START: arguments, environment, working directory and search path; limits, all
// of the parked spec's or none, each at most as high; and with GB_SPEC_LANDLOCK a second ruleset, enforced on top of the first.
// Everything else is the parked sandbox's, and zero here: nothing in it can add a right.

// ---- answers -------------------------------------------------------------------------------------------------------

// What a launch was doing when it failed, and the index of each stage time.
enum gb_stage {
    GB_STAGE_REQUEST = 0,     // reading and checking the spec
    GB_STAGE_CLONE = 1,       // clone with all namespaces
    GB_STAGE_ID_MAP = 2,      // uid_map, gid_map
    GB_STAGE_CGROUP = 3,
    GB_STAGE_DESCRIPTORS = 4, // stdio in place, everything else closed
    GB_STAGE_NETWORK = 5,     // loopback, host name
    GB_STAGE_MOUNTS = 6,
    GB_STAGE_PIVOT = 7,
    GB_STAGE_CREDENTIALS = 8, // groups, ids
    GB_STAGE_CAPABILITIES = 9,
    GB_STAGE_SESSION = 10,
    GB_STAGE_LIMITS = 11,
    GB_STAGE_NO_NEW_PRIVS = 12,
    GB_STAGE_LANDLOCK = 13,
    GB_STAGE_SECCOMP = 14,
    GB_STAGE_EXEC = 15,
    GB_STAGE_SUPERVISE = 16, // handing over to the tool's init
    GB_STAGE_COUNT = 17,
};

enum gb_message_kind {
    GB_MESSAGE_LAUNCHED = 1, // launcher → supervisor, with the pidfd of the sandbox's init
    GB_MESSAGE_FAILED = 2,
    GB_MESSAGE_STARTED = 3, // init → supervisor, with the seccomp listener when there is one
    GB_MESSAGE_EXITED = 4,
    GB_MESSAGE_USAGE = 5,
    GB_MESSAGE_PARKED = 6, // parked process → supervisor: built, and waiting for START
};

enum gb_enforced {
    GB_ENFORCED_NAMESPACES = 1u << 0,
    GB_ENFORCED_ROOT = 1u << 1,
    GB_ENFORCED_CAPABILITIES = 1u << 2,
    GB_ENFORCED_NO_NEW_PRIVS = 1u << 3,
    GB_ENFORCED_LANDLOCK = 1u << 4,
    GB_ENFORCED_SECCOMP = 1u << 5,
    GB_ENFORCED_LISTENER = 1u << 6,
    GB_ENFORCED_MEMFD_NOEXEC = 1u << 7,
    GB_ENFORCED_LIMITS = 1u << 8,
    GB_ENFORCED_LOOPBACK = 1u << 9,
    GB_ENFORCED_CLAMPED = 1u << 10, // at least one rlimit was lowered to an existing hard limit
    GB_ENFORCED_WRITE_COUNT = 1u << 11, // the kernel counts what the tree writes to disk
    GB_ENFORCED_SHARED_NETWORK = 1u << 12, // the network namespace is the launcher's empty one
    GB_ENFORCED_TEMPLATE = 1u << 13, // the root is a copy of the policy's template
};

struct gb_usage {
    uint64_t cpu_us;         // user + system, living and reaped processes
    uint64_t resident_bytes; // of the living ones
    uint64_t peak_bytes;     // ru_maxrss of the largest reaped process
    uint64_t written_bytes;  // dirtied on disk file systems, less what was cancelled before write-back
    uint32_t processes;
    int32_t largest_pid; // inner pid of the process with the most resident memory, 0 if none
    uint64_t largest_bytes;
    uint32_t hidden; // living processes whose written bytes could not be read: they are not dumpable
    int32_t hidden_pid; // inner pid of one of them, 0 if none
};

struct gb_message {
    uint32_t kind;
    uint32_t stage;    // FAILED
    int32_t error;     // FAILED: errno
    uint32_t detail;   // FAILED: index of the mount, rule or limit
    int32_t pid;       // LAUNCHED: host pid of the init; STARTED: inner pid of the tool
    int32_t status;    // EXITED: wait status of the tool
    uint32_t enforced; // STARTED: gb_enforced
    uint32_t skipped;  // STARTED: optional mounts and rules that had no target
    struct gb_usage usage;                   // EXITED, USAGE
    uint64_t stage_ns[GB_STAGE_COUNT];       // STARTED: time at which the stage ended, CLOCK_MONOTONIC; 0: not passed
    uint64_t clamped_hard[GB_MAX_RLIMITS];   // STARTED: the hard limit in force, per rlimit record; UINT64_MAX: as asked
};

// supervisor → init, on the same status socket
enum gb_order_kind {
    GB_ORDER_SIGNAL = 1, // signal the tool's process group
    GB_ORDER_KILL = 2,   // SIGKILL one inner pid (the memory poller), or all when pid is 0
    GB_ORDER_USAGE = 3,  // answer with GB_MESSAGE_USAGE
};

struct gb_order {
    uint32_t kind;
    int32_t signal;
    int32_t pid;
    uint32_t reserved;
};

_Static_assert(sizeof(struct gb_request) == 24, "wire size");
_Static_assert(sizeof(struct gb_mount) == 56, "wire size");
_Static_assert(sizeof(struct gb_path_rule) == 16, "wire size");
_Static_assert(sizeof(struct gb_rlimit) == 24, "wire size");
_Static_assert(sizeof(struct gb_spec) == 160, "wire size");
_Static_assert(sizeof(struct gb_usage) == 56, "wire size");
_Static_assert(sizeof(struct gb_order) == 16, "wire size");

// ---- exit codes of glovebox-launcher ---------------------------------------------------------------------------------

#define GB_LAUNCHER_EXIT_OK 0       // the supervisor closed the control socket
#define GB_LAUNCHER_EXIT_USAGE 64   // not started by a supervisor
#define GB_LAUNCHER_EXIT_PROTOCOL 65 // a control message that is no request at all
#define GB_LAUNCHER_EXIT_SYSTEM 71  // the kernel refused something at start

#define GB_CONTROL_DESCRIPTOR 3 // number of the control socket in the launcher

#endif
