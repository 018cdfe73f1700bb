// What the launcher's child does to itself, one concern per file; each function returns 0 (or a descriptor) or -errno.
// All of it runs between clone and exec: async-signal-safe calls only, no allocation, no locale, no stdio.
#ifndef GLOVEBOX_SANDBOX_CORE_H
#define GLOVEBOX_SANDBOX_CORE_H

#include "kernel_abi.h"
#include "launch_spec.h"
#include "spec_reader.h"

#include <stdint.h>
#include <sys/types.h>

// ---- kernel_calls.c: calls without a C library wrapper
int gb_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve);
int gb_open_tree(int directory, const char *path, unsigned flags);
int gb_move_mount_here(int tree, int target);                  // onto the O_PATH descriptor `target`
int gb_set_mount_attributes(int tree, const char *path, unsigned at_flags, const struct gbk_mount_attr *attributes);
uint64_t gb_now_ns(void);

// ---- text.c: bounded formatting without stdio
size_t gb_format_map(char *out, size_t capacity, uint32_t inner, uint32_t outer, uint32_t count); // "inner outer count\n"
size_t gb_format_number(char *out, size_t capacity, uint64_t number);

// ---- descriptors.c
struct gb_stdio {
    int input, output, error, channel; // channel: -1 when there is none
};
int gb_place_stdio(const struct gb_stdio *stdio_descriptors);
int gb_close_all_but(int keep, int second); // moves them to 4 and 5 (a second of -1: none), closes all others; 0 or -errno

// ---- namespaces.c
int gb_write_id_maps(int proc, pid_t pid, const struct gb_spec *spec); // by the root launcher, for another process
int gb_write_own_id_maps(const struct gb_spec *spec);                 // by the child of an ordinary user
int gb_raise_loopback(void);
// `others`: map the on-disk ids below the owner's as well (GB_MOUNT_SHARED).
int gb_open_id_map_namespace(int proc, const struct gb_mount *mount, uint32_t uid, uint32_t gid, int others);

// ---- mounts.c
// Opens the bind source without following links, checks that it is the file the supervisor saw, and returns a detached clone
// of its mount tree with the mount's flags applied. `id_map` is a user namespace descriptor or -1.
int gb_detach_source(const struct gb_spec_view *spec, const struct gb_mount *mount, int id_map);
// Puts an empty root (a tmpfs, for gb_carry_out to fill) or a detached copy of a template at the place where roots are
// assembled, and makes it the current directory.
int gb_start_root(const struct gb_spec_view *spec);
int gb_start_root_at(const struct gb_spec_view *spec, const char *place);
int gb_start_root_from(int template_tree);
// Carries out the mounts [from, to) in the current directory. `trees` holds a detached tree per bind mount. On failure
// `*detail` is the index of the mount. `*skipped` counts covers that had no target.
int gb_carry_out(const struct gb_spec_view *spec, uint32_t from, uint32_t to, const int *trees, uint32_t *detail, uint32_t *skipped);
int gb_make_root_read_only(const char *root);
int gb_enter_root(void); // pivot into the current directory, drop the old root, make the root read-only

// ---- credentials.c
int gb_become(uint32_t uid, uint32_t gid);
int gb_use_file_ids(uint32_t uid, uint32_t gid);
void gb_prepare_capabilities(void); // before clone: reads the highest capability once
int gb_drop_capabilities(void);
int gb_forbid_new_privileges(void);

// ---- limits.c: `clamped[i]` is the hard limit in force where it is lower than asked, else UINT64_MAX
int gb_apply_limits(const struct gb_spec_view *spec, uint64_t *clamped, uint32_t *detail);

// ---- landlock.c
int gb_build_ruleset(const struct gb_spec_view *spec, uint32_t *detail, uint32_t *skipped);

// ---- seccomp.c: returns 0, the listener when `notify` is set, or -errno
int gb_install_filter(const struct gb_spec_view *spec, int notify);

// ---- usage.c: counts what the processes of this pid namespace use, from inside (only the init sees them all)
// `own_io`: /proc/self/io of the init, opened while that was still permitted; -1 when it could not be.
void gb_count_usage(struct gb_usage *usage, int own_io);
void gb_count_reaped_usage(struct gb_usage *usage, int own_io); // when nobody is left but the init

// ---- init.c: the sandbox's pid 1 after the tool has started; does not return
_Noreturn void gb_run_init(int status_socket, int own_io, pid_t tool);

#endif
