// A start-up looks at descriptors 0, 1 and 2 to make the three streams: a terminal is buffered by lines, the size of a buffer is the
// file's. Encoding and error handler come from the locale and the options, which are those of the process that waits.
#define _GNU_SOURCE
#include "parked_python.h"

#include <sys/stat.h>

static const char *const names[] = {"stdin", "stdout", "stderr"};
static const char *const own_names[] = {"__stdin__", "__stdout__", "__stderr__"};
static const char *const shown_names[] = {"<stdin>", "<stdout>", "<stderr>"};

bool has_own_streams(const struct python_api *python)
{
    for (int number = 0; number < 3; number++) {
        python_object *stream = python->PySys_GetObject(names[number]);
        if (stream == NULL || stream == python->none || stream != python->PySys_GetObject(own_names[number])) return false;
    }
    return true;
}

static bool is_true(const struct python_api *python, python_object *value)
{
    bool truth = value != NULL && python->PyObject_IsTrue(value) == 1;
    if (value != NULL) python->Py_DecRef(value);
    return truth;
}

static bool set_text(const struct python_api *python, python_object *object, const char *name, const char *text)
{
    python_object *value = python->PyUnicode_FromString(text);
    if (value == NULL) return false;
    int failed = python->PyObject_SetAttrString(object, name, value);
    python->Py_DecRef(value);
    return failed == 0;
}

// The steps and their order are those of the interpreter's own start-up, whose function for it has no name outside.
static python_object *make_text(const struct python_api *python, python_object *io, int number, python_object *buffer, bool buffered,
                                python_object *old)
{
    python_object *raw = buffered || number == 0 ? python->PyObject_GetAttrString(buffer, "raw") : buffer;
    if (raw == NULL) return NULL;
    bool named = set_text(python, raw, "name", shown_names[number]);
    bool terminal = named && is_true(python, python->PyObject_CallMethod(raw, "isatty", NULL));
    if (raw != buffer) python->Py_DecRef(raw);
    python_object *encoding = python->PyObject_GetAttrString(old, "encoding"), *errors = python->PyObject_GetAttrString(old, "errors");
    python_object *text = NULL;
    if (named && encoding != NULL && errors != NULL)
        text = python->PyObject_CallMethod(io, "TextIOWrapper", "OOOsOO", buffer, encoding, errors, "\n",
                                           buffered && (terminal || number == 2) ? python->true_object : python->false_object,
                                           buffered ? python->false_object : python->true_object);
    if (encoding != NULL) python->Py_DecRef(encoding);
    if (errors != NULL) python->Py_DecRef(errors);
    if (text != NULL && !set_text(python, text, "mode", number == 0 ? "r" : "w")) {
        python->Py_DecRef(text);
        text = NULL;
    }
    return text;
}

static bool make_stream(const struct python_api *python, python_object *io, int number, bool buffered)
{
    python_object *old = python->PySys_GetObject(own_names[number]); // borrowed, and it lives until it is replaced
    python_object *buffer =
        python->PyObject_CallMethod(io, "open", "isiOOOO", number, number == 0 ? "rb" : "wb", buffered || number == 0 ? -1 : 0,
                                    python->none, python->none, python->none, python->false_object);
    if (buffer == NULL) return false;
    python_object *text = make_text(python, io, number, buffer, buffered, old);
    python->Py_DecRef(buffer);
    if (text == NULL) return false;
    bool done = python->PySys_SetObject(own_names[number], text) == 0 && python->PySys_SetObject(names[number], text) == 0;
    python->Py_DecRef(text);
    return done;
}

static bool is_input_a_directory(void)
{
    struct stat seen;
    return fstat(0, &seen) == 0 && S_ISDIR(seen.st_mode);
}

bool make_streams(const struct python_api *python)
{
    if (is_input_a_directory()) return false; // at which a start-up ends
    python_object *through = python->PyObject_GetAttrString(python->PySys_GetObject("__stdout__"), "write_through");
    if (through == NULL) return false;
    bool buffered = !is_true(python, through);
    python_object *io = python->PyImport_ImportModule("io");
    if (io == NULL) return false;
    bool done = true;
    for (int number = 0; done && number < 3; number++) done = make_stream(python, io, number, buffered);
    python->Py_DecRef(io);
    return done;
}
