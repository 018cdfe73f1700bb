// libFuzzer target: whatever gb_spec_read accepts, every field that the launcher later uses lies inside the spec.
// `make fuzz` builds it with AddressSanitizer; reading one byte too far ends the run.
#include "spec_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
    if (gb_spec_read(copy, size, &view, &where) == 0) touch_all(&view);
    else if (where == NULL) abort(); // a refusal names its field
    free(copy);
    return 0;
}
