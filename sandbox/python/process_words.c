// /proc/self/cmdline and /proc/self/environ show the memory in which a program's words lay when it was executed. What waits was
// started with room there, so that the call's own can stand in it.
#define _GNU_SOURCE
#include "parked_python.h"

#include <string.h>

static struct {
    char *begin, *end;
} shown_words, shown_environment;

// The strings must lie one behind the other, as the kernel leaves them.
static char *end_of(char *const *strings, char *begin)
{
    for (; *strings != NULL; strings++) {
        if (*strings != begin) return NULL;
        begin += strlen(begin) + 1;
    }
    return begin;
}

void remember_words(char *const *words, char *const *environment)
{
    char *middle = words[0] == NULL ? NULL : end_of(words, words[0]), *end = middle == NULL ? NULL : end_of(environment, middle);
    if (end == NULL) return;
    shown_words.begin = words[0];
    shown_words.end = shown_environment.begin = middle;
    shown_environment.end = end;
}

// What does not fit is cut off; what is left over is empty.
static void show(char *begin, char *end, const struct gb_spec_view *spec, const uint32_t *strings, uint32_t count)
{
    if (begin == end) return;
    for (uint32_t i = 0; i < count && begin < end; i++) {
        const char *string = gb_spec_string(spec, strings[i]);
        size_t size = strlen(string) + 1, room = (size_t)(end - begin);
        if (size > room) size = room;
        memcpy(begin, string, size);
        begin += size;
    }
    memset(begin, 0, (size_t)(end - begin));
    end[-1] = '\0'; // the kernel takes another last byte for a title that a program has set
}

void show_words_of(const struct gb_spec_view *spec)
{
    if (shown_words.begin == NULL) return;
    show(shown_words.begin, shown_words.end, spec, spec->argv, spec->header.argv.count);
    show(shown_environment.begin, shown_environment.end, spec, spec->envp, spec->header.envp.count);
}
