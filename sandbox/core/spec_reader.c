#include "spec_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

struct reader {
    const uint8_t *bytes;
    uint32_t size;
    const struct gb_spec *header;
    const char **where;
};

static int refuse(const struct reader *reader, const char *where, int error)
{
    *reader->where = where;
    return -error;
}

// A section must lie wholly behind the header, be aligned for its records and stay under its bound.
static int section(const struct reader *reader, const char *name, struct gb_section at, uint32_t record, uint32_t most,
                   const void **out)
{
    if (at.count > most) return refuse(reader, name, E2BIG);
    uint64_t bytes = (uint64_t)at.count * record;
    if (at.offset < sizeof(struct gb_spec) || at.offset > reader->size || bytes > reader->size - at.offset)
        return refuse(reader, name, EINVAL);
    if (at.offset % (record < 8 ? record : 8) != 0) return refuse(reader, name, EINVAL);
    *out = reader->bytes + at.offset;
    return 0;
}

static bool is_string(const struct reader *reader, uint32_t offset)
{
    return offset < reader->header->strings.count; // the section ends in NUL, so every offset inside starts a string
}

// Absolute, no empty, "." or ".." component, no trailing slash except "/" itself: the launcher joins nothing and follows
// nothing, so a path that needs cleaning is a mistake of the supervisor.
static bool is_clean_path(const char *path)
{
    if (path[0] != '/') return false;
    if (path[1] == '\0') return true;
    const char *component = path + 1;
    for (const char *at = component;; at++) {
        if (*at != '/' && *at != '\0') continue;
        size_t length = (size_t)(at - component);
        if (length == 0 || (length == 1 && component[0] == '.') || (length == 2 && component[0] == '.' && component[1] == '.'))
            return false;
        if (*at == '\0') return true;
        component = at + 1;
    }
}

static bool creates(uint32_t kind)
{
    return kind == GB_MOUNT_DIRECTORY || kind == GB_MOUNT_FILE || kind == GB_MOUNT_SYMLINK || kind == GB_MOUNT_TMPFS;
}

// Places that are fresh tmpfs in every run.
static bool is_private(const char *target)
{
    return strncmp(target, "/tmp", 4) == 0 || strncmp(target, "/dev/", 5) == 0;
}

static int check_mount(const struct reader *reader, const char *strings, const struct gb_mount *mount)
{
    if (mount->kind < GB_MOUNT_DIRECTORY || mount->kind > GB_MOUNT_RESTRICT) return refuse(reader, "mount kind", EOPNOTSUPP);
    if (mount->flags & ~(uint32_t)GB_MOUNT_ALL_FLAGS) return refuse(reader, "mount flags", EOPNOTSUPP);
    if (!is_string(reader, mount->source) || !is_string(reader, mount->target)) return refuse(reader, "mount strings", EINVAL);
    const char *target = strings + mount->target;
    if (!is_clean_path(target) || target[1] == '\0') return refuse(reader, "mount target", EINVAL);
    if (mount->kind == GB_MOUNT_BIND && !is_clean_path(strings + mount->source)) return refuse(reader, "mount source", EINVAL);
    if (mount->mode & ~01777u) return refuse(reader, "mount mode", EINVAL); // no set-id bits ever
    if (mount->kind == GB_MOUNT_RESTRICT && !(mount->flags & (GB_MOUNT_RDONLY | GB_MOUNT_NOEXEC)))
        return refuse(reader, "mount restriction", EINVAL); // one that takes nothing is a mistake
    if ((mount->flags & GB_MOUNT_IDMAP) && mount->kind != GB_MOUNT_BIND) return refuse(reader, "mount id map", EINVAL);
    if ((mount->flags & GB_MOUNT_SHARED) && !(mount->flags & GB_MOUNT_IDMAP)) return refuse(reader, "mount id map", EINVAL);
    if ((mount->flags & GB_MOUNT_IDMAP) && !(reader->header->flags & GB_SPEC_MAPPED_BY_LAUNCHER))
        return refuse(reader, "mount id map", EINVAL);
    return 0;
}

static int check_strings_of(const struct reader *reader, const char *name, const uint32_t *offsets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_string(reader, offsets[i])) return refuse(reader, name, EINVAL);
    return 0;
}

#define LANDLOCK_SCOPE_ABSTRACT_SOCKETS 1ull

// Among others without a network, and only where the tool can neither name nor reach anything that such a namespace holds: abstract
// names are Landlock's and the supervisor's to refuse. (That /proc/net says nothing is the path rules' part.)
static bool may_share_network(const struct gb_spec *header)
{
    const uint32_t needed = GB_SPEC_LANDLOCK | GB_SPEC_SECCOMP | GB_SPEC_NOTIFY | GB_SPEC_MAPPED_BY_LAUNCHER;
    return (header->flags & needed) == needed && !(header->flags & GB_SPEC_LOOPBACK) &&
           (header->scoped & LANDLOCK_SCOPE_ABSTRACT_SOCKETS) != 0;
}

// What a START has no say in.
static bool is_start_alone(const struct gb_spec *header)
{
    return (header->flags & ~(uint32_t)(GB_SPEC_START | GB_SPEC_LANDLOCK)) == 0 && header->mounts.count == 0 &&
           header->filter.count == 0 && header->template_count == 0 && header->template_key == 0 && header->exec_page == 0 &&
           header->root_size == 0 && header->root_inodes == 0;
}

static int check_header(const struct reader *reader)
{
    const struct gb_spec *header = reader->header;
    if (header->magic != GB_SPEC_MAGIC) return refuse(reader, "magic", EINVAL);
    if (header->version != GB_SPEC_VERSION) return refuse(reader, "version", EPROTO);
    if (header->size != reader->size) return refuse(reader, "size", EINVAL);
    if (header->flags & ~(uint32_t)GB_SPEC_ALL_FLAGS) return refuse(reader, "flags", EOPNOTSUPP);
    if (header->template_count > header->mounts.count) return refuse(reader, "template count", EINVAL);
    if (header->template_key != 0 && !(header->flags & GB_SPEC_MAPPED_BY_LAUNCHER)) return refuse(reader, "template key", EINVAL);
    if (header->outer_uid == 0 || header->outer_gid == 0) return refuse(reader, "outer id", EPERM); // never the host's root
    if (header->outer_uid == UINT32_MAX || header->outer_gid == UINT32_MAX) return refuse(reader, "outer id", EINVAL);
    if (header->inner_uid == UINT32_MAX || header->inner_gid == UINT32_MAX) return refuse(reader, "inner id", EINVAL);
    if (header->exec_page % 4096 != 0) return refuse(reader, "exec page", EINVAL);
    // A spec that installs no filter or no ruleset must say so: an empty section under a set flag is a mistake.
    bool wants_filter = (header->flags & GB_SPEC_SECCOMP) != 0;
    if (wants_filter != (header->filter.count != 0)) return refuse(reader, "filter", EINVAL);
    if ((header->flags & GB_SPEC_NOTIFY) && !wants_filter) return refuse(reader, "notify", EINVAL);
    if ((header->flags & GB_SPEC_LANDLOCK) && header->handled_fs == 0) return refuse(reader, "handled_fs", EINVAL);
    if ((header->flags & GB_SPEC_SHARED_NETWORK) && !may_share_network(header)) return refuse(reader, "shared network", EINVAL);
    // A terminal is a call's own, from its first mount on.
    if ((header->flags & GB_SPEC_PARK_TOOL) && (header->flags & GB_SPEC_TERMINAL)) return refuse(reader, "parked tool", EINVAL);
    if (header->flags & GB_SPEC_START) {
        if (!is_start_alone(header)) return refuse(reader, "start", EINVAL);
        if (!(header->flags & GB_SPEC_LANDLOCK) && header->path_rules.count != 0) return refuse(reader, "start rules", EINVAL);
    }
    return 0;
}

int gb_spec_read(const void *bytes, size_t size, struct gb_spec_view *view, const char **where)
{
    struct reader reader = {.bytes = bytes, .where = where};
    if (size < sizeof(struct gb_spec)) return refuse(&reader, "size", EINVAL);
    if (size > GB_SPEC_MAX) return refuse(&reader, "size", E2BIG);
    if ((uintptr_t)bytes % 8 != 0) return refuse(&reader, "alignment", EINVAL);
    memcpy(&view->header, bytes, sizeof view->header); // what is checked is what is used
    reader.size = (uint32_t)size;
    reader.header = &view->header;
    int failed = check_header(&reader);
    if (failed) return failed;

    const struct gb_spec *header = &view->header;
    const void *strings, *argv, *envp, *mounts, *rules, *limits, *filter;
    if ((failed = section(&reader, "strings", header->strings, 1, GB_SPEC_MAX, &strings))) return failed;
    if ((failed = section(&reader, "argv", header->argv, sizeof(uint32_t), GB_MAX_STRINGS, &argv))) return failed;
    if ((failed = section(&reader, "envp", header->envp, sizeof(uint32_t), GB_MAX_STRINGS, &envp))) return failed;
    if ((failed = section(&reader, "mounts", header->mounts, sizeof(struct gb_mount), GB_MAX_MOUNTS, &mounts))) return failed;
    if ((failed = section(&reader, "path rules", header->path_rules, sizeof(struct gb_path_rule), GB_MAX_PATH_RULES, &rules)))
        return failed;
    if ((failed = section(&reader, "rlimits", header->rlimits, sizeof(struct gb_rlimit), GB_MAX_RLIMITS, &limits))) return failed;
    if ((failed = section(&reader, "filter", header->filter, 1, GB_MAX_FILTER_INSNS * 8, &filter))) return failed;
    if (header->filter.count % 8 != 0 || (header->filter.count && header->filter.offset % 8 != 0))
        return refuse(&reader, "filter", EINVAL);
    if (header->argv.count == 0) return refuse(&reader, "argv", EINVAL);
    if (header->argv.count + (uint64_t)header->envp.count > GB_MAX_STRINGS) return refuse(&reader, "argv", E2BIG);

    view->strings = strings;
    view->argv = argv;
    view->envp = envp;
    view->mounts = mounts;
    view->path_rules = rules;
    view->rlimits = limits;
    view->filter = filter;
    if (header->strings.count == 0 || view->strings[header->strings.count - 1] != '\0') return refuse(&reader, "strings", EINVAL);
    if ((failed = check_strings_of(&reader, "argv", view->argv, header->argv.count))) return failed;
    if ((failed = check_strings_of(&reader, "envp", view->envp, header->envp.count))) return failed;
    if (!is_string(&reader, header->working_directory) || !is_clean_path(view->strings + header->working_directory))
        return refuse(&reader, "working directory", EINVAL);
    if (!is_string(&reader, header->hostname) || strlen(view->strings + header->hostname) > 63)
        return refuse(&reader, "hostname", EINVAL);
    if (!is_string(&reader, header->search_path)) return refuse(&reader, "search path", EINVAL);
    bool bound = false;
    for (uint32_t i = 0; i < header->mounts.count; i++) {
        const struct gb_mount *mount = &view->mounts[i];
        if ((failed = check_mount(&reader, view->strings, mount))) return failed;
        bool in_template = i < header->template_count;
        if (i == header->template_count) bound = false;
        bound |= mount->kind == GB_MOUNT_BIND;
        if (creates(mount->kind) && (bound || !(in_template || is_private(view->strings + mount->target))))
            return refuse(&reader, "mount order", EINVAL); // a bound tree may hold planted links
        // A template is shared by the runs of a policy: nothing that is one run's own may be in it.
        if (in_template && ((mount->flags & GB_MOUNT_IDMAP) || mount->kind == GB_MOUNT_TMPFS || mount->kind == GB_MOUNT_PROC ||
                            mount->kind == GB_MOUNT_DEVPTS))
            return refuse(&reader, "template mount", EINVAL);
    }
    for (uint32_t i = 0; i < header->path_rules.count; i++) {
        const struct gb_path_rule *rule = &view->path_rules[i];
        if (rule->flags & ~(uint32_t)GB_PATH_RULE_ALL_FLAGS) return refuse(&reader, "path rule flags", EOPNOTSUPP);
        if (!is_string(&reader, rule->path) || !is_clean_path(view->strings + rule->path))
            return refuse(&reader, "path rule", EINVAL);
        if (rule->access & ~header->handled_fs) return refuse(&reader, "path rule access", EINVAL);
    }
    for (uint32_t i = 0; i < header->rlimits.count; i++) {
        const struct gb_rlimit *limit = &view->rlimits[i];
        if (limit->resource >= 16 || limit->reserved != 0 || limit->soft > limit->hard) return refuse(&reader, "rlimit", EINVAL);
        // A parked tool receives its descriptors under this limit.
        if ((header->flags & GB_SPEC_PARK_TOOL) && limit->resource == RLIMIT_NOFILE && limit->soft < GB_PARKED_TOOL_FILES)
            return refuse(&reader, "parked tool", EINVAL);
    }
    return 0;
}

int gb_spec_check_start(const struct gb_spec_view *parked, const struct gb_spec_view *start)
{
    const struct gb_spec *sandbox = &parked->header, *call = &start->header;
    if ((sandbox->flags & GB_SPEC_START) || !(call->flags & GB_SPEC_START)) return -EINVAL;
    if (call->inner_uid != sandbox->inner_uid || call->inner_gid != sandbox->inner_gid || call->outer_uid != sandbox->outer_uid ||
        call->outer_gid != sandbox->outer_gid)
        return -EPERM;
    if ((call->flags & GB_SPEC_LANDLOCK) && call->landlock_abi > sandbox->landlock_abi) return -EPERM;
    if (call->rlimits.count == 0) return 0;
    if (call->rlimits.count != sandbox->rlimits.count) return -EPERM;
    for (uint32_t i = 0; i < call->rlimits.count; i++) {
        const struct gb_rlimit *now = &start->rlimits[i], *most = &parked->rlimits[i];
        if (now->resource != most->resource || now->soft > most->soft || now->hard > most->hard) return -EPERM;
    }
    return 0;
}
