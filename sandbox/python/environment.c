// What waits was started with the environment that its calls have, so there is mostly nothing to do. Code of the host's site-packages
// may have changed it since (a .pth file that sets a variable), in os.environ and in the C library's list alike, and then nobody can
// say what it would have made of another one.
#define _GNU_SOURCE
#include "parked_python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **before; // what the process came with

static size_t count_of(char *const *list)
{
    size_t count = 0;
    while (list[count] != NULL) count++;
    return count;
}

bool remember_environment(void)
{
    size_t count = count_of(environ);
    before = calloc(count + 1, sizeof *before);
    if (before == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if ((before[i] = strdup(environ[i])) == NULL) return false;
    return true;
}

static void forget_environment(void)
{
    for (char **entry = before; *entry != NULL; entry++) free(*entry);
    free(before);
    before = NULL;
}

static bool is_as_before(char *const *list, size_t count)
{
    if (count != count_of(before)) return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], before[i]) != 0) return false;
    return true;
}

// os.environ and os.environb are views of this dictionary. Of two entries of a name the first counts, and one without a name is
// none, as at start-up.
static bool fill_dictionary(const struct python_api *python, python_object *dictionary)
{
    python->PyDict_Clear(dictionary);
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals == NULL) continue;
        python_object *name = python->PyBytes_FromStringAndSize(*entry, equals - *entry);
        python_object *value = python->PyBytes_FromStringAndSize(equals + 1, (ptrdiff_t)strlen(equals + 1));
        int known = name != NULL && value != NULL ? python->PyDict_Contains(dictionary, name) : -1;
        if (known == 0) known = python->PyDict_SetItem(dictionary, name, value);
        if (name != NULL) python->Py_DecRef(name);
        if (value != NULL) python->Py_DecRef(value);
        if (known < 0) return false;
    }
    return true;
}

static bool fill_module(const struct python_api *python)
{
    python_object *posix = python->PyImport_ImportModule("posix");
    python_object *dictionary = posix == NULL ? NULL : python->PyObject_GetAttrString(posix, "environ");
    bool done = dictionary != NULL && fill_dictionary(python, dictionary);
    if (dictionary != NULL) python->Py_DecRef(dictionary);
    if (posix != NULL) python->Py_DecRef(posix);
    return done;
}

bool take_environment(const struct python_api *python, const struct gb_spec_view *spec)
{
    size_t count = spec->header.envp.count;
    char **next = calloc(count + 1, sizeof *next);
    if (next == NULL) return false;
    // In memory that stays, and is this process's own to write.
    for (size_t i = 0; i < count; i++) next[i] = (char *)(uintptr_t)gb_spec_string(spec, spec->envp[i]);
    bool is_what_it_was_started_with = is_as_before(next, count), is_unchanged = is_as_before(environ, count_of(environ));
    forget_environment();
    if (is_what_it_was_started_with) {
        free(next);
        return true;
    }
    if (!is_unchanged) return false;
    environ = next;
    return fill_module(python);
}
