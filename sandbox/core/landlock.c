#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <fcntl.h>

static size_t attribute_size(uint32_t abi)
{
    if (abi >= 6) return sizeof(struct gbk_landlock_ruleset_attr);
    if (abi >= 4) return offsetof(struct gbk_landlock_ruleset_attr, scoped);
    return offsetof(struct gbk_landlock_ruleset_attr, handled_access_net);
}

static int add_rule(const struct gb_spec_view *spec, int ruleset, const struct gb_path_rule *rule)
{
    int path = open(gb_spec_string(spec, rule->path), O_PATH | O_CLOEXEC);
    if (path < 0) return -errno;
    struct gbk_landlock_path_beneath_attr beneath = {.allowed_access = rule->access, .parent_fd = path};
    // A rule without any right left is refused by the kernel (ENOMSG) and would grant nothing.
    long result = beneath.allowed_access == 0 ? 0 : syscall(SYS_landlock_add_rule, ruleset, GBK_LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int failed = result < 0 ? -errno : 0;
    // The kernel looks at the file anyway: it refuses a directory's rights on anything else. (That all of them are handled was checked.)
    if (failed == -EINVAL && (rule->access & ~GBK_LANDLOCK_FILE_RIGHTS) != 0) {
        beneath.allowed_access &= GBK_LANDLOCK_FILE_RIGHTS;
        failed = 0;
        if (beneath.allowed_access != 0 &&
            syscall(SYS_landlock_add_rule, ruleset, GBK_LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
            failed = -errno;
    }
    close(path);
    return failed;
}

int gb_build_ruleset(const struct gb_spec_view *spec, uint32_t *detail, uint32_t *skipped)
{
    struct gbk_landlock_ruleset_attr attributes = {
        .handled_access_fs = spec->header.handled_fs,
        .handled_access_net = spec->header.handled_net,
        .scoped = spec->header.scoped,
    };
    long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, attribute_size(spec->header.landlock_abi), 0);
    if (ruleset < 0) return -errno;
    for (uint32_t i = 0; i < spec->header.path_rules.count; i++) {
        const struct gb_path_rule *rule = &spec->path_rules[i];
        *detail = i;
        int failed = add_rule(spec, (int)ruleset, rule);
        if (failed == -ENOENT && (rule->flags & GB_PATH_RULE_OPTIONAL)) {
            *skipped += 1;
            continue;
        }
        if (failed) {
            close((int)ruleset);
            return failed;
        }
    }
    return (int)ruleset;
}
