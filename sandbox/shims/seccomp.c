#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int gbx_seccomp_action_available(uint32_t action)
{
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
        return 1;
    return errno == EOPNOTSUPP ? 0 : -errno;
}

int gbx_notification_sizes(uint16_t *notification, uint16_t *response, uint16_t *data)
{
    struct seccomp_notif_sizes sizes;
    *notification = *response = *data = 0;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
        return -errno;
    *notification = sizes.seccomp_notif;
    *response = sizes.seccomp_notif_resp;
    *data = sizes.seccomp_data;
    return 0;
}

// The kernel writes as many bytes as its own record has. 256 is three times today's; a kernel beyond that is refused.
#define RECORD_MAX 256

static int check_record_sizes(void)
{
    static _Atomic int known; // 0: not asked yet, 1: they fit; a failure is asked again
    if (atomic_load_explicit(&known, memory_order_relaxed) == 1)
        return 0;
    uint16_t notification, response, data;
    int result = gbx_notification_sizes(&notification, &response, &data);
    if (result < 0)
        return result;
    if (notification > RECORD_MAX || response > RECORD_MAX || notification < sizeof(struct seccomp_notif))
        return -E2BIG;
    atomic_store_explicit(&known, 1, memory_order_relaxed);
    return 0;
}

int gbx_notification_receive(int listener, struct gbx_notification *out)
{
    union {
        struct seccomp_notif record;
        char room[RECORD_MAX];
    } in;
    memset(out, 0, sizeof *out);
    int result = check_record_sizes();
    if (result < 0)
        return result;
    memset(&in, 0, sizeof in); // the kernel refuses a record that is not zeroed
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in.record) != 0)
        return -errno;
    out->id = in.record.id;
    out->pid = in.record.pid;
    out->nr = in.record.data.nr;
    out->arch = in.record.data.arch;
    out->ip = in.record.data.instruction_pointer;
    _Static_assert(sizeof out->args == sizeof in.record.data.args, "six arguments");
    memcpy(out->args, in.record.data.args, sizeof out->args);
    return 0;
}

static int answer(int listener, uint64_t id, int64_t value, int error)
{
    union {
        struct seccomp_notif_resp record;
        char room[RECORD_MAX];
    } response;
    memset(&response, 0, sizeof response); // flags stay 0: no CONTINUE
    response.record.id = id;
    response.record.val = value;
    response.record.error = -error;
    return (int)gbx_result(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response.record));
}

int gbx_notification_answer_error(int listener, uint64_t id, int error)
{
    // 0 would be success, and beyond 4095 a value: both would let the tool think that the call was done.
    return error >= 1 && error <= 4095 ? answer(listener, id, 0, error) : -EINVAL;
}

int gbx_notification_answer_value(int listener, uint64_t id, int64_t value)
{
    return answer(listener, id, value, 0);
}

int gbx_notification_continue(int listener, uint64_t id)
{
    union {
        struct seccomp_notif_resp record;
        char room[RECORD_MAX];
    } response;
    memset(&response, 0, sizeof response);
    response.record.id = id;
    response.record.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return (int)gbx_result(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response.record));
}

int gbx_notification_is_valid(int listener, uint64_t id)
{
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0)
        return 1;
    return errno == ENOENT ? 0 : -errno;
}

int gbx_notification_add_descriptor(int listener, uint64_t id, int descriptor, int target, int close_on_exec, int answer_too)
{
    if (descriptor < 0 || target < -1)
        return -EBADF;
    struct seccomp_notif_addfd request;
    memset(&request, 0, sizeof request);
    request.id = id;
    request.flags = (target >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0u) | (answer_too ? SECCOMP_ADDFD_FLAG_SEND : 0u);
    request.srcfd = (uint32_t)descriptor;
    request.newfd = target >= 0 ? (uint32_t)target : 0;
    request.newfd_flags = close_on_exec ? (uint32_t)O_CLOEXEC : 0;
    return (int)gbx_result(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request));
}
