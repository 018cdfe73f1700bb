// What is preloaded into the host's own python3 inside a sandbox, so that it starts ahead of its call: see README.md here.
//
// One thread, and nothing here outlives the moment in which the interpreter begins with the user's code.
#ifndef GLOVEBOX_PARKED_PYTHON_H
#define GLOVEBOX_PARKED_PYTHON_H

#include "parked_program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

// ---- python_api.c: the interpreter's own functions, found in the executable or its library by name

typedef struct python_object python_object;

// PyStatus, the same since it exists (3.8).
struct python_status {
    int type;
    const char *function, *message;
    int exit_code;
};

// PyPreConfig and PyConfig: what is in them and how large they are is the interpreter's business. The second half stays untouched,
// which shows that they were large enough.
#define CONFIG_WORDS 1024
struct opaque_config {
    uintptr_t words[CONFIG_WORDS];
};

struct python_api {
    void (*PyPreConfig_InitPythonConfig)(struct opaque_config *);
    struct python_status (*Py_PreInitializeFromBytesArgs)(const struct opaque_config *, ptrdiff_t, char **);
    void (*PyConfig_InitPythonConfig)(struct opaque_config *);
    struct python_status (*PyConfig_SetBytesArgv)(struct opaque_config *, ptrdiff_t, char *const *);
    struct python_status (*PyConfig_Read)(struct opaque_config *);
    void (*PyConfig_Clear)(struct opaque_config *);
    struct python_status (*Py_InitializeFromConfig)(const struct opaque_config *);
    uintptr_t *(*_Py_GetConfig)(void);
    int (*PyStatus_Exception)(struct python_status);
    int (*Py_RunMain)(void);
    python_object *(*PySys_GetObject)(const char *);
    int (*PySys_SetObject)(const char *, python_object *);
    python_object *(*PyImport_ImportModule)(const char *);
    python_object *(*PyObject_GetAttrString)(python_object *, const char *);
    int (*PyObject_SetAttrString)(python_object *, const char *, python_object *);
    python_object *(*PyObject_CallMethod)(python_object *, const char *, const char *, ...);
    int (*PyObject_IsTrue)(python_object *);
    python_object *(*PyUnicode_FromString)(const char *);
    python_object *(*PyUnicode_FromWideChar)(const wchar_t *, ptrdiff_t);
    wchar_t *(*Py_DecodeLocale)(const char *, size_t *);
    void (*PyMem_RawFree)(void *);
    python_object *(*PyBytes_FromStringAndSize)(const char *, ptrdiff_t);
    python_object *(*PyList_New)(ptrdiff_t);
    int (*PyList_Append)(python_object *, python_object *);
    int (*PyList_SetSlice)(python_object *, ptrdiff_t, ptrdiff_t, python_object *);
    void (*PyDict_Clear)(python_object *);
    int (*PyDict_Contains)(python_object *, python_object *);
    int (*PyDict_SetItem)(python_object *, python_object *, python_object *);
    void (*Py_DecRef)(python_object *);
    python_object *(*PyDict_GetItemString)(python_object *, const char *);
    int (*PyDict_SetItemString)(python_object *, const char *, python_object *);
    int (*PyDict_Update)(python_object *, python_object *);
    python_object *(*PyModule_New)(const char *);
    python_object *(*PyModule_GetDict)(python_object *);
    python_object *(*PyModule_FromDefAndSpec2)(python_object *, python_object *, int);
    int (*PyModule_ExecDef)(python_object *, python_object *);
    python_object *(*PyObject_Type)(python_object *);
    ptrdiff_t (*PyObject_Size)(python_object *);
    python_object *(*PyList_GetItem)(python_object *, ptrdiff_t);
    python_object *(*PyCFunction_NewEx)(void *, python_object *, python_object *);
    int (*_Py_IsFinalizing)(void);
    void (*Py_IncRef)(python_object *);
    void *(*PyInterpreterState_Get)(void);
    void *(*PyInterpreterState_Main)(void);
    void (*PyErr_Clear)(void);
    python_object *none, *true_object, *false_object, *PyModuleDef_Type;
    python_object *PyDict_Type, *PyList_Type, *PyTuple_Type, *PySet_Type, *PyFunction_Type, *PyCell_Type;
};

// False when one is missing: another program, or a Python before 3.9.
bool find_python(struct python_api *python);

// ---- command_line.c: makes the interpreter believe that it was started with the call's words

// Where the fields that say what is run stand in this interpreter's PyConfig, in words.
struct run_fields {
    size_t command, module, file_name, arguments, original_arguments;
};

bool find_run_fields(const struct python_api *python, char *const *options, int option_count, struct run_fields *fields);
// The interpreter reads the call's whole command line itself; what it found out of it that says what is run becomes its own.
bool take_command_line(const struct python_api *python, const struct run_fields *fields, char *const *words, int count);

// ---- environment.c

bool remember_environment(void);
// False when start-up has changed it, and it is not the call's.
bool take_environment(const struct python_api *python, const struct gb_spec_view *spec);

// ---- process_words.c: what /proc/self/cmdline and /proc/self/environ show

void remember_words(char *const *words, char *const *environment);
void show_words_of(const struct gb_spec_view *spec);

// ---- silence.c: what start-up writes would reach nobody, so it must write nothing

bool listen_to_start_up(void);
bool was_start_up_silent(const struct python_api *python);

// ---- streams.c: sys.stdin, sys.stdout and sys.stderr as a start-up makes them, for the descriptors of the call

bool has_own_streams(const struct python_api *python);
bool make_streams(const struct python_api *python);

// ---- collector.c: keeps what start-up made out of the collector's way, as far as nobody can tell

void watch_for_gc(const struct python_api *python); // before the interpreter is there
bool freeze_start_up(const struct python_api *python); // false: the interpreter is not as it was
void note_what_is_given(const struct python_api *python); // right before the program begins

#endif
