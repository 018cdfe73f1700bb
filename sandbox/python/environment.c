// The environment of a call as a start-up would have left it: what came with the process, changed by what start-up itself changes.
// Code of the host's site-packages may do that (a .pth file that sets a variable), in os.environ and the C library's list alike.
#define _GNU_SOURCE
#include "parked_python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **before; // what came with the process that waits

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

static size_t name_length(const char *entry)
{
    return strcspn(entry, "=");
}

static char *find_name(char *const *list, const char *entry)
{
    size_t length = name_length(entry);
    for (; *list != NULL; list++)
        if (strncmp(*list, entry, length) == 0 && (*list)[length] == '=') return *list;
    return NULL;
}

static bool is_same(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

// Start-up changed this variable: the call gets what it was changed to, or loses what was taken.
static bool is_of_start(const char *entry)
{
    char *was = find_name(before, entry), *is = find_name(environ, entry);
    return !(was == NULL && is == NULL) && !is_same(was, is);
}

// The call's own variables in their order, then what start-up has added. A variable that start-up gave where there was none, and
// that the call brings, keeps the call's value, as with `setdefault`.
static char **merged_environment(const struct gb_spec_view *spec)
{
    size_t given = spec->header.envp.count, started = count_of(environ), count = 0;
    char **next = calloc(given + started + 1, sizeof *next);
    if (next == NULL) return NULL;
    for (size_t i = 0; i < given; i++) {
        char *entry = (char *)(uintptr_t)gb_spec_string(spec, spec->envp[i]); // mapped for writing, and this process's own
        if (!is_of_start(entry) || find_name(before, entry) == NULL)
            next[count++] = entry;
        else if (find_name(environ, entry) != NULL && (next[count] = strdup(find_name(environ, entry))) != NULL)
            count++;
    }
    for (size_t i = 0; i < started; i++)
        if (is_of_start(environ[i]) && find_name(next, environ[i]) == NULL && (next[count] = strdup(environ[i])) != NULL) count++;
    return next;
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
        bool done = name != NULL && value != NULL;
        int known = done ? python->PyDict_Contains(dictionary, name) : -1;
        if (known == 0) known = python->PyDict_SetItem(dictionary, name, value);
        if (name != NULL) python->Py_DecRef(name);
        if (value != NULL) python->Py_DecRef(value);
        if (known < 0) return false;
    }
    return true;
}

bool take_environment(const struct python_api *python, const struct gb_spec_view *spec)
{
    char **next = merged_environment(spec);
    if (next == NULL) return false;
    environ = next;
    python_object *posix = python->PyImport_ImportModule("posix");
    python_object *dictionary = posix == NULL ? NULL : python->PyObject_GetAttrString(posix, "environ");
    bool done = dictionary != NULL && fill_dictionary(python, dictionary);
    if (dictionary != NULL) python->Py_DecRef(dictionary);
    if (posix != NULL) python->Py_DecRef(posix);
    for (char **entry = before; *entry != NULL; entry++) free(*entry);
    free(before);
    before = NULL;
    return done;
}
