#define _GNU_SOURCE
#include "sandbox_core.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

static cap_value_t highest_capability;
static cap_t no_capabilities; // made before clone: cap_init allocates

void gb_prepare_capabilities(void)
{
    highest_capability = cap_max_bits() - 1;
    no_capabilities = cap_init();
}

int gb_use_file_ids(uint32_t uid, uint32_t gid)
{
    // Raw calls: the C library's wrappers return the old id and hide a failure. The second call reads back the first.
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    if (syscall(SYS_setfsgid, -1) != (long)gid || syscall(SYS_setfsuid, -1) != (long)uid) return -EPERM;
    return 0;
}

int gb_become(uint32_t uid, uint32_t gid)
{
    // Raw calls again: the wrappers of a threaded C library would signal other threads that this process does not have.
    // EPERM from setgroups means that the map was written by an ordinary user, whose groups the kernel keeps on purpose.
    if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM) return -errno;
    if (syscall(SYS_setresgid, gid, gid, gid) < 0) return -errno;
    if (syscall(SYS_setresuid, uid, uid, uid) < 0) return -errno;
    return 0;
}

int gb_drop_capabilities(void)
{
    if (no_capabilities == NULL) return -ENOMEM;
    // Securebits and bounding set first: both need CAP_SETPCAP, which the last step gives away.
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                         SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0) return -errno;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    for (cap_value_t capability = 0; capability <= highest_capability; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -errno;
    return cap_set_proc(no_capabilities) < 0 ? -errno : 0; // effective, permitted and inheritable in one call
}

int gb_forbid_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
