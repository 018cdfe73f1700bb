// Stands before the interpreter's main: starts it as far as a start-up goes without anything of the user's, waits for the call, and
// lets the interpreter's own second half run it. A program that is not a Python that this can do it with runs its main as ever, and
// nobody is told that something waits.
#define _GNU_SOURCE
#include "parked_python.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_SOCKET 3
#define EXIT_UNWANTED 0 // nobody holds the other end any more
#define EXIT_FAILED 125 // as the command's own: it could not be run

typedef int (*main_function)(int, char **, char **);
static main_function program_main;

// The last two words of the line that waits are "-c" and a program that does nothing: what a main that is not ours would run.
#define RUN_WORDS 2

static bool choose_locale(const struct python_api *python, char **words, int count)
{
    static struct opaque_config configuration;
    python->PyPreConfig_InitPythonConfig(&configuration);
    return !python->PyStatus_Exception(python->Py_PreInitializeFromBytesArgs(&configuration, count, words));
}

static bool start_interpreter(const struct python_api *python, char **words, int count)
{
    static struct opaque_config configuration;
    python->PyConfig_InitPythonConfig(&configuration);
    struct python_status status = python->PyConfig_SetBytesArgv(&configuration, count, words);
    if (!python->PyStatus_Exception(status)) status = python->Py_InitializeFromConfig(&configuration);
    python->PyConfig_Clear(&configuration);
    return !python->PyStatus_Exception(status);
}

// The fields were found in a copy: they must say of the interpreter itself what it was started with.
static bool are_fields_right(const struct python_api *python, const struct run_fields *fields)
{
    const uintptr_t *live = python->_Py_GetConfig();
    if (live == NULL || live[fields->command] == 0 || live[fields->module] != 0 || live[fields->file_name] != 0) return false;
    return wcsncmp((const wchar_t *)live[fields->command], L"pass", 4) == 0 && live[fields->arguments] == 1;
}

_Noreturn static void fail(const struct python_api *python, const char *what)
{
    python->PyErr_Print();
    dprintf(2, "glovebox: the Python that waited for this call cannot take %s\n", what);
    _exit(EXIT_FAILED);
}

static void take_call(const struct python_api *python, const struct run_fields *fields)
{
    struct call call;
    int received = receive_call(CALL_SOCKET, &call);
    if (received <= 0) _exit(received == 0 ? EXIT_UNWANTED : EXIT_FAILED);
    const char *failed = enter_call(CALL_SOCKET, &call);
    if (failed != NULL) fail(python, failed);
    show_words_of(&call.spec);
    if (!take_environment(python, &call.spec)) fail(python, "its environment");
    if (!make_streams(python)) fail(python, "its streams");
    int count = (int)call.spec.header.argv.count;
    char **words = calloc((size_t)count + 1, sizeof *words);
    for (int i = 0; words != NULL && i < count; i++) words[i] = (char *)(uintptr_t)gb_spec_string(&call.spec, call.spec.argv[i]);
    if (words == NULL || !take_command_line(python, fields, words, count)) fail(python, "its command line");
    note_what_is_given(python);
}

static int parked_main(int count, char **words, char **environment)
{
    static struct python_api python;
    static struct run_fields fields;
    remember_words(words, environment);
    unsetenv("LD_PRELOAD"); // not for children, and not for anybody to see
    if (!is_call_socket(CALL_SOCKET) || count < 1 + RUN_WORDS || !find_python(&python)) return program_main(count, words, environment);
    if (fcntl(CALL_SOCKET, F_SETFD, FD_CLOEXEC) < 0 || !remember_environment() || !listen_to_start_up()) return EXIT_FAILED;
    // From here on there is no way back to the program's own main: what does not work is not parked.
    watch_for_gc(&python);
    if (!choose_locale(&python, words, count) || !find_run_fields(&python, words, count - RUN_WORDS, &fields)) return EXIT_FAILED;
    if (!start_interpreter(&python, words, count)) return EXIT_FAILED;
    if (!are_fields_right(&python, &fields) || !has_own_streams(&python) || !was_start_up_silent(&python)) return EXIT_FAILED;
    if (!freeze_start_up(&python) || !announce_parked(CALL_SOCKET)) return EXIT_FAILED;
    take_call(&python, &fields);
    return python.Py_RunMain();
}

typedef int (*start_function)(main_function, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

// What the C library's start code calls in every program; this library stands before it (LD_PRELOAD).
__attribute__((visibility("default"))) int __libc_start_main(main_function main, int count, char **words, void (*init)(void),
                                                             void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(main_function main, int count, char **words, void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end)
{
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    start_function start;
    memcpy(&start, &found, sizeof start);
    if (start == NULL) _exit(EXIT_FAILED);
    program_main = main;
    return start(parked_main, count, words, init, fini, rtld_fini, stack_end);
}
