// Finished roots, one per policy, from which runs get copies: the skeleton and the read-only system mounts are the same for
// every run, and building them costs more than everything else in a cold launch but the clone.
//
// A template is built at the second use of its key: a launcher that serves one run, as a one-shot command's does, would pay
// for it and never use it again.
//
// They live in a mount namespace of the launcher's own, so that the host sees none of them. What belongs to one run (its
// workspace, /tmp, /proc, the covers of denied names) is never part of a template.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// Covered in the launcher's own namespace, where nobody needs it.
static const char place[] = "/sys";

// A template is kept as a detached tree, which no clone has to copy, where the kernel can copy from one (Linux 6.15); else it
// stays mounted below `place`.
enum { TEMPLATES = 16, MOUNTED = -1 };
static struct template {
    uint64_t key; // 0: free
    int tree;     // or MOUNTED
} templates[TEMPLATES];
static uint32_t next_slot;
static uint64_t seen[TEMPLATES]; // keys used once
static uint32_t next_seen;
static enum { NO_PLACE_YET, HAS_PLACE, NO_PLACE } state;

static int prepare_place(void)
{
    if (unshare(CLONE_NEWNS) < 0) return -errno;
    // The host's later mounts are to show up here, ours never there.
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return -errno;
    // Every clone copies every mount: the host's cgroup hierarchies and the like under /sys are no sandbox's business.
    if (umount2(place, MNT_DETACH) < 0 && errno != EINVAL) return -errno;
    if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=64k,nr_inodes=64") < 0) return -errno;
    return mount(NULL, place, NULL, MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

static void name_of(uint32_t slot, char *out, size_t capacity)
{
    size_t at = 0;
    for (; place[at] != '\0'; at++) out[at] = place[at];
    out[at++] = '/';
    gb_format_number(out + at, capacity - at, slot);
}

static int build(const struct gb_spec_view *spec, const char *name, uint32_t *detail)
{
    static int trees[GB_MAX_MOUNTS];
    uint32_t count = spec->header.template_count, skipped = 0;
    for (uint32_t i = 0; i < count; i++) trees[i] = -1;
    int failed = 0;
    for (uint32_t i = 0; i < count && failed == 0; i++) {
        if (spec->mounts[i].kind != GB_MOUNT_BIND) continue;
        *detail = i;
        trees[i] = gb_detach_source(spec, &spec->mounts[i], -1);
        if (trees[i] < 0) failed = trees[i];
    }
    mode_t mask = umask(0); // modes in the spec are exact
    if (failed == 0) failed = gb_start_root_at(spec, name);
    if (failed == 0) failed = gb_carry_out(spec, 0, count, trees, detail, &skipped);
    umask(mask);
    if (chdir("/") < 0 && failed == 0) failed = -errno;
    if (failed == 0) failed = gb_make_root_read_only(name);
    for (uint32_t i = 0; i < count; i++)
        if (trees[i] >= 0) close(trees[i]);
    return failed;
}

static void discard(struct template *template, const char *name)
{
    if (template->key != 0 && template->tree != MOUNTED) close(template->tree);
    else umount2(name, MNT_DETACH); // copies that runs hold stay whole
    *template = (struct template){.tree = MOUNTED};
}

static int copy(const struct template *template, const char *name)
{
    unsigned flags = GBK_OPEN_TREE_CLONE | GBK_AT_RECURSIVE;
    if (template->tree == MOUNTED) return gb_open_tree(AT_FDCWD, name, flags);
    return gb_open_tree(template->tree, "", flags | AT_EMPTY_PATH);
}

// Takes the finished tree off its place when copies can be made from it there.
static void detach(struct template *template, const char *name)
{
    int tree = copy(template, name);
    if (tree < 0) return;
    int second = gb_open_tree(tree, "", GBK_OPEN_TREE_CLONE | GBK_AT_RECURSIVE | AT_EMPTY_PATH);
    if (second < 0) {
        close(tree);
        return;
    }
    close(second);
    umount2(name, MNT_DETACH);
    template->tree = tree;
}

// Remembers a key's first use. True from the second on.
static int used_before(uint64_t key)
{
    for (uint32_t i = 0; i < TEMPLATES; i++)
        if (seen[i] == key) return 1;
    seen[next_seen] = key;
    next_seen = (next_seen + 1) % TEMPLATES;
    return 0;
}

int template_copy(const struct gb_spec_view *spec, uint32_t *detail)
{
    char name[32];
    if (state == NO_PLACE || !used_before(spec->header.template_key)) return TEMPLATE_NONE;
    if (state == NO_PLACE_YET) state = prepare_place() == 0 ? HAS_PLACE : NO_PLACE;
    if (state == NO_PLACE) return TEMPLATE_NONE;
    for (uint32_t slot = 0; slot < TEMPLATES; slot++)
        if (templates[slot].key == spec->header.template_key) {
            name_of(slot, name, sizeof name);
            return copy(&templates[slot], name);
        }
    uint32_t slot = next_slot;
    struct template *template = &templates[slot];
    name_of(slot, name, sizeof name);
    if (template->key != 0) discard(template, name);
    template->tree = MOUNTED;
    if (mkdir(name, 0700) < 0 && errno != EEXIST) return -errno;
    int failed = build(spec, name, detail);
    if (failed) {
        discard(template, name);
        return failed;
    }
    template->key = spec->header.template_key;
    next_slot = (slot + 1) % TEMPLATES;
    detach(template, name);
    return copy(template, name);
}
