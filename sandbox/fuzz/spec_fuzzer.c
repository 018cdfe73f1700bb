// libFuzzer target: whatever gb_spec_read accepts, every field that the launcher later uses lies inside the spec.
// `make fuzz` builds it with AddressSanitizer; reading one byte too far ends the run.
#include "spec_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static size_t touched; // keeps the compiler from dropping the reads

static void touch_string(const struct gb_spec_view *view, uint32_t offset)
{
    touched += strlen(gb_spec_string(view, offset));
}

static void touch_all(const struct gb_spec_view *view)
{
    const struct gb_spec *header = &view->header;
    for (uint32_t i = 0; i < header->argv.count; i++) touch_string(view, view->argv[i]);
    for (uint32_t i = 0; i < header->envp.count; i++) touch_string(view, view->envp[i]);
    for (uint32_t i = 0; i < header->mounts.count; i++) {
        touch_string(view, view->mounts[i].source);
        touch_string(view, view->mounts[i].target);
    }
    for (uint32_t i = 0; i < header->path_rules.count; i++) touch_string(view, view->path_rules[i].path);
    for (uint32_t i = 0; i < header->rlimits.count; i++) touched += view->rlimits[i].resource;
    for (uint32_t i = 0; i < header->filter.count; i++) touched += view->filter[i];
    touch_string(view, header->working_directory);
    touch_string(view, header->hostname);
    touch_string(view, header->search_path);
}

// What a parked tool could not do under its own limits and without a terminal is never accepted.
static void check_parked_tool(const struct gb_spec_view *view)
{
    if (!(view->header.flags & GB_SPEC_PARK_TOOL)) return;
    if (view->header.flags & (GB_SPEC_TERMINAL | GB_SPEC_START)) abort();
    for (uint32_t i = 0; i < view->header.rlimits.count; i++)
        if (view->rlimits[i].resource == RLIMIT_NOFILE && view->rlimits[i].soft < GB_PARKED_TOOL_FILES) abort();
}

// The same spec on both sides, as a sandbox and as a START: its records are compared with themselves, so only what a START may
// never bring can make a difference.
static void check_start(const struct gb_spec_view *view)
{
    struct gb_spec_view sandbox = *view, start = *view;
    sandbox.header.flags &= ~(uint32_t)GB_SPEC_START;
    start.header.flags |= GB_SPEC_START;
    if (gb_spec_check_start(&sandbox, &start) != 0) abort();
    if (gb_spec_check_start(&start, &sandbox) == 0 || gb_spec_check_start(&start, &start) == 0) abort();
    for (uint32_t i = 0; i < start.header.rlimits.count; i++) {
        struct gb_rlimit *lowered = malloc(start.header.rlimits.count * sizeof *lowered);
        if (lowered == NULL) return;
        memcpy(lowered, view->rlimits, start.header.rlimits.count * sizeof *lowered);
        int can_lower = lowered[i].hard > 0;
        if (can_lower) lowered[i].hard--;
        sandbox.rlimits = lowered;
        if (can_lower && gb_spec_check_start(&sandbox, &start) == 0) abort(); // it would raise a limit
        free(lowered);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > GB_SPEC_MAX) return 0;
    void *copy = malloc(size + 1); // exact size, so that ASan sees every byte too far
    if (copy == NULL) return 0;
    memcpy(copy, data, size);
    struct gb_spec_view view;
    const char *where = NULL;
    // Half of the random inputs would die at the magic; give the reader a header that gets further.
    if (size >= sizeof(struct gb_spec)) {
        struct gb_spec *header = copy;
        header->magic = GB_SPEC_MAGIC;
        header->version = GB_SPEC_VERSION;
        header->size = (uint32_t)size;
    }
    if (gb_spec_read(copy, size, &view, &where) == 0) {
        touch_all(&view);
        check_start(&view);
        check_parked_tool(&view);
    } else if (where == NULL) {
        abort(); // a refusal names its field
    }
    free(copy);
    return 0;
}
