// The launcher's half of a launch: what only the parent may do (id maps, cgroups, id-mapped mounts), and the clone.
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Id-map tables are kept between launches: a run that gets the same ids again finds its table ready.
struct id_map {
    uint32_t on_disk_uid, on_disk_gid, uid, gid;
    int others;
    int namespace;
};
enum { ID_MAPS = 8 };
static struct id_map id_maps[ID_MAPS];
static uint32_t id_maps_used, id_maps_next;

static int id_map_for(const struct launcher *launcher, const struct gb_mount *mount, const struct gb_spec *spec)
{
    int others = (mount->flags & GB_MOUNT_SHARED) != 0;
    for (uint32_t i = 0; i < id_maps_used; i++) {
        const struct id_map *map = &id_maps[i];
        if (map->on_disk_uid == mount->owner_uid && map->on_disk_gid == mount->owner_gid && map->uid == spec->outer_uid &&
            map->gid == spec->outer_gid && map->others == others)
            return map->namespace;
    }
    int opened =
        gb_open_id_map_namespace(launcher->proc, mount, spec->outer_uid, spec->outer_gid, others);
    if (opened < 0) return opened;
    struct id_map *slot = &id_maps[id_maps_next];
    if (id_maps_used < ID_MAPS) id_maps_used++;
    else close(slot->namespace);
    id_maps_next = (id_maps_next + 1) % ID_MAPS;
    *slot = (struct id_map){mount->owner_uid, mount->owner_gid, spec->outer_uid, spec->outer_gid, others, opened};
    return opened;
}

// As the host's root the sources are detached here, with the launcher's right to reach them: the child, in its own user
// namespace, has none over the host's directories. An ordinary user's child opens them itself, with that user's rights.
static int detach_sources(const struct launcher *launcher, struct launch *launch, uint32_t *detail)
{
    uint32_t first = launch->root >= 0 ? launch->spec.header.template_count : 0; // the template holds the others
    for (uint32_t i = first; i < launch->spec.header.mounts.count; i++) {
        const struct gb_mount *mount = &launch->spec.mounts[i];
        if (mount->kind != GB_MOUNT_BIND) continue;
        *detail = i;
        int id_map = -1;
        if (mount->flags & GB_MOUNT_IDMAP) {
            id_map = id_map_for(launcher, mount, &launch->spec.header);
            if (id_map < 0) return id_map;
        }
        launch->trees[i] = gb_detach_source(&launch->spec, mount, id_map);
        if (launch->trees[i] < 0) return launch->trees[i];
    }
    return 0;
}

void open_gate(const struct launcher *launcher, uint32_t serial)
{
    atomic_store(&launcher->gate->serial, serial);
    syscall(SYS_futex, &launcher->gate->serial, FUTEX_WAKE, 1 << 30, NULL, NULL, 0);
}

static void report_launched(int status, pid_t pid, int pidfd)
{
    struct gb_message answer = {.kind = GB_MESSAGE_LAUNCHED, .pid = pid};
    struct iovec part = {.iov_base = &answer, .iov_len = sizeof answer};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &pidfd, sizeof pidfd);
    sendmsg(status, &header, MSG_NOSIGNAL); // a supervisor that is gone takes the child with it: its end of the socket closes
}

long clone_child(const struct gb_spec *spec, int cgroup_v2, int shares_network, int *pidfd)
{
    struct gbk_clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | GBK_CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    if (!shares_network) arguments.flags |= CLONE_NEWNET;
    if (spec->flags & GB_SPEC_NEW_TIME_NS) arguments.flags |= GBK_CLONE_NEWTIME;
    if (cgroup_v2 >= 0) {
        arguments.flags |= GBK_CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup_v2;
    }
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

void launch_run(struct launcher *launcher, struct launch *launch)
{
    const struct gb_spec *spec = &launch->spec.header;
    uint32_t detail = 0;
    int failed;
    if (launcher->is_root && spec->template_key != 0) {
        int root = template_copy(&launch->spec, &detail);
        if (root < 0 && root != TEMPLATE_NONE) {
            report_failure(launch->status, GB_STAGE_MOUNTS, -root, detail);
            return;
        }
        launch->root = root < 0 ? -1 : root;
    }
    // A process that waits gets the spec first: it makes its root's directories while the sources are detached here.
    int pidfd = -1;
    long pid = prepare_take(launch, &pidfd);
    failed = spec->flags & GB_SPEC_MAPPED_BY_LAUNCHER ? detach_sources(launcher, launch, &detail) : 0;
    if (pid > 0) {
        int sent = prepare_finish(launch);
        if (failed == 0) failed = sent;
    }
    if (failed) {
        if (pid > 0) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        if (pid > 0) close(pidfd);
        report_failure(launch->status, GB_STAGE_MOUNTS, -failed, detail);
        return;
    }
    if (pid > 0) {
        report_launched(launch->status, (pid_t)pid, pidfd);
        if (prepare_was_only()) janitor_keep(launcher, (pid_t)pid, pidfd);
        else janitor_hold(launcher, (pid_t)pid, pidfd);
        close(pidfd);
        return;
    }
    launch->shares_network = network_is_shared(launcher, launch);
    launch->serial = ++launcher->next_serial;
    pid = clone_child(spec, launch->cgroup_v2, launch->shares_network, &pidfd);
    if (pid == 0) child_enter(launcher, launch);
    if (pid < 0) {
        report_failure(launch->status, GB_STAGE_CLONE, errno, 0);
        return;
    }
    int mapped = spec->flags & GB_SPEC_MAPPED_BY_LAUNCHER ? gb_write_id_maps(launcher->proc, (pid_t)pid, spec) : 0;
    if (mapped) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); // it never passes the gate
        report_failure(launch->status, GB_STAGE_ID_MAP, -mapped, 0);
    } else {
        open_gate(launcher, launch->serial);
        report_launched(launch->status, (pid_t)pid, pidfd);
        janitor_hold(launcher, (pid_t)pid, pidfd);
    }
    close(pidfd);
}
