#define _GNU_SOURCE
#include "linux_shims.h"
#include "result.h"

#include <elf.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int gbx_landlock_abi(void)
{
    return (int)gbx_result(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int gbx_random(void *buffer, size_t count)
{
    size_t filled = 0;
    while (filled < count) {
        ssize_t got = getrandom((char *)buffer + filled, count - filled, 0);
        if (got < 0 && errno == EINTR)
            continue; // only before the pool is ready, or for large buffers
        if (got < 0)
            return -errno;
        filled += (size_t)got;
    }
    return 0;
}

const char *gbx_errno_symbol(int number)
{
    return strerrorname_np(number);
}

const char *gbx_errno_text(int number)
{
    const char *text = strerrordesc_np(number); // constant text, not translated: safe from every thread
    return text != NULL ? text : "unknown error";
}

int gbx_effective_capabilities(uint64_t *out)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof data);
    *out = 0;
    if (syscall(SYS_capget, &header, data) != 0)
        return -errno;
    *out = (uint64_t)data[0].effective | (uint64_t)data[1].effective << 32;
    return 0;
}

int gbx_limit(int resource, uint64_t *soft, uint64_t *hard)
{
    struct rlimit limit;
    *soft = *hard = 0;
    if (getrlimit(resource, &limit) != 0)
        return -errno;
    *soft = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
    *hard = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
    return 0;
}

static size_t build_id_in(const char *at, const char *end, uint8_t *out, size_t capacity)
{
    while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        at += sizeof note;
        size_t name = ((size_t)note.n_namesz + 3) & ~(size_t)3, content = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        if (name > (size_t)(end - at) || content > (size_t)(end - at) - name)
            return 0;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at, "GNU", 4) == 0) {
            if (note.n_descsz > capacity)
                return 0;
            memcpy(out, at + name, note.n_descsz);
            return note.n_descsz;
        }
        at += name + content;
    }
    return 0;
}

size_t gbx_build_id(uint8_t *out, size_t capacity)
{
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t count = getauxval(AT_PHNUM);
    if (headers == NULL)
        return 0;
    // Where a program was loaded shows in the place of its headers; one at a fixed address needs no PT_PHDR.
    uintptr_t base = 0;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(base + headers[i].p_vaddr);
        size_t length = build_id_in(at, at + headers[i].p_filesz, out, capacity);
        if (length > 0)
            return length;
    }
    return 0;
}
