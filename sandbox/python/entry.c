// Stands before the interpreter's main: starts it as far as a start-up goes without anything of the user's, waits for the call, and
// lets the interpreter's own second half run it. A program that is not a Python that this can do it with runs its main as ever, and
// nobody is told that something waits.
#define _GNU_SOURCE
#include "parked_python.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL_SOCKET GB_CONTROL_DESCRIPTOR
#define EXIT_UNWANTED 0 // nobody holds the other end any more
#define EXIT_FAILED 125 // as the command's own: it could not be run

typedef int (*main_function)(int, char **, char **);
static main_function program_main;

// The last two words of the line that waits are "-c" and a program that does nothing: what a main that is not ours would run.
#define RUN_WORDS 2

static bool is_call_socket(void)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(CALL_SOCKET, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) return false;
    size = sizeof type;
    return domain == AF_UNIX && getsockopt(CALL_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

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

// False: the call was not touched, and is run by a process of its own. Nothing of it is written anywhere before it is taken.
static bool take_call(const struct python_api *python, const struct run_fields *fields)
{
    struct gb_parked_call call;
    int received = gb_parked_receive(&call);
    if (received == GB_PARKED_UNWANTED) _exit(EXIT_UNWANTED);
    // A running program's limits and rules are those that it was started with: a call that needs narrower ones is no call for it.
    if (received != 0 || call.spec.header.flags != GB_SPEC_START || call.spec.header.rlimits.count != 0) return false;
    int socket = gb_parked_settle(&call), count = (int)call.spec.header.argv.count;
    if (socket < 0 || chdir(gb_spec_string(&call.spec, call.spec.header.working_directory)) < 0) return false;
    show_words_of(&call.spec);
    char **words = calloc((size_t)count + 1, sizeof *words);
    for (int i = 0; words != NULL && i < count; i++) words[i] = (char *)(uintptr_t)gb_spec_string(&call.spec, call.spec.argv[i]);
    if (words == NULL || !take_environment(python, &call.spec) || !make_streams(python)) return false;
    if (!take_command_line(python, fields, words, count)) return false;
    free(words);
    note_what_is_given(python);
    return gb_parked_start(socket) == 0; // the supervisor's last word and ours: what follows is the program alone
}

static int parked_main(int count, char **words, char **environment)
{
    static struct python_api python;
    static struct run_fields fields;
    remember_words(words, environment);
    unsetenv("LD_PRELOAD"); // not for children, and not for anybody to see
    if (!is_call_socket() || count < 1 + RUN_WORDS || !find_python(&python)) return program_main(count, words, environment);
    if (fcntl(CALL_SOCKET, F_SETFD, FD_CLOEXEC) < 0 || !remember_environment() || !listen_to_start_up()) return EXIT_FAILED;
    // From here on there is no way back to the program's own main: what does not work is not parked.
    watch_for_gc(&python);
    if (!choose_locale(&python, words, count) || !find_run_fields(&python, words, count - RUN_WORDS, &fields)) return EXIT_FAILED;
    if (!start_interpreter(&python, words, count)) return EXIT_FAILED;
    if (!are_fields_right(&python, &fields) || !has_own_streams(&python) || !was_start_up_silent(&python)) return EXIT_FAILED;
    if (!freeze_start_up(&python) || gb_parked_announce() != 0) return EXIT_FAILED;
    if (!take_call(&python, &fields)) _exit(EXIT_FAILED);
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
