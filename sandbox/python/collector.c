// Ending an interpreter, the collector walks three times over all of its objects, most of them start-up's and long out of the
// processor's caches: a third of a short call. So what start-up made is kept out of its way (gc.freeze), as far as nobody can tell:
//
// - The module gc alone shows it. Importing that takes it back before the module is there.
// - An object that the program has put into something of start-up's might be found, and finalised, by the collector alone. So the end
//   of the program takes it back too, unless the program has made nothing that anything happens to when it goes.
#define _GNU_SOURCE
#include "parked_python.h"

#include <dlfcn.h>
#include <string.h>

// An entry of PyImport_Inittab, the list of built-in modules.
struct built_in {
    const char *name;
    python_object *(*make)(void);
};

// PyMethodDef, part of the stable interface.
struct method {
    const char *name;
    python_object *(*call)(python_object *, python_object *);
    int flags;
    const char *documentation;
};

#define TAKES_ARGUMENTS 1 // METH_VARARGS
#define MOST_OBJECTS 512  // of a program that is small enough for looking at all of them

static const struct python_api *interpreter;
static python_object *(*make_gc)(void);
static python_object *own_gc; // while something is frozen: a module gc that nobody else knows

// What is there, and not frozen, when the program begins: its module, the three streams.
static struct {
    python_object *object, *type;
} given[MOST_OBJECTS];
static ptrdiff_t given_count;
static ptrdiff_t module_count;
static python_object *streams[2];

static void call_nothing(python_object *module, const char *name)
{
    python_object *nothing = interpreter->PyObject_CallMethod(module, name, NULL);
    if (nothing != NULL)
        interpreter->Py_DecRef(nothing);
    else
        interpreter->PyErr_Clear();
}

static void thaw(void)
{
    python_object *callbacks = interpreter->PyObject_GetAttrString(own_gc, "callbacks");
    if (callbacks == NULL || interpreter->PyList_SetSlice(callbacks, 0, PTRDIFF_MAX, NULL) != 0) interpreter->PyErr_Clear();
    if (callbacks != NULL) interpreter->Py_DecRef(callbacks);
    call_nothing(own_gc, "freeze"); // start-up's objects first, as ever: what comes back comes behind what is there
    call_nothing(own_gc, "unfreeze");
    interpreter->Py_DecRef(own_gc);
    own_gc = NULL;
}

static python_object *make_gc_for_program(void)
{
    // Another interpreter of this process has a collector of its own.
    if (own_gc != NULL && interpreter->PyInterpreterState_Get() == interpreter->PyInterpreterState_Main()) thaw();
    return make_gc();
}

static python_object *type_of(python_object *object)
{
    python_object *type = interpreter->PyObject_Type(object);
    interpreter->Py_DecRef(type); // the object holds it
    return type;
}

static bool is_given(python_object *object, python_object *type)
{
    for (ptrdiff_t i = 0; i < given_count; i++)
        if (given[i].object == object && given[i].type == type) return true;
    return false;
}

// Nothing happens when one of these goes, and what it holds is seen by itself.
static bool is_inert(python_object *type)
{
    python_object *const inert[] = {interpreter->PyDict_Type, interpreter->PyList_Type,     interpreter->PyTuple_Type,
                                    interpreter->PySet_Type,  interpreter->PyFunction_Type, interpreter->PyCell_Type};
    for (size_t i = 0; i < sizeof inert / sizeof inert[0]; i++)
        if (inert[i] == type) return true;
    return false;
}

static ptrdiff_t count_modules(void)
{
    python_object *modules = interpreter->PySys_GetObject("modules");
    return modules == NULL ? -1 : interpreter->PyObject_Size(modules);
}

static bool has_made_nothing(void)
{
    if (count_modules() != module_count || streams[0] != interpreter->PySys_GetObject("__stdout__") ||
        streams[1] != interpreter->PySys_GetObject("__stderr__"))
        return false;
    python_object *objects = interpreter->PyObject_CallMethod(own_gc, "get_objects", NULL);
    if (objects == NULL) {
        interpreter->PyErr_Clear();
        return false;
    }
    ptrdiff_t count = interpreter->PyObject_Size(objects);
    bool nothing = count < MOST_OBJECTS;
    for (ptrdiff_t i = 0; nothing && i < count; i++) {
        python_object *object = interpreter->PyList_GetItem(objects, i), *type = type_of(object);
        nothing = is_inert(type) || is_given(object, type);
    }
    interpreter->Py_DecRef(objects);
    return nothing;
}

// Called at the begin and at the end of each collection.
static python_object *before_collection(python_object *self, python_object *arguments)
{
    (void)self, (void)arguments;
    if (own_gc != NULL && interpreter->_Py_IsFinalizing() && !has_made_nothing()) thaw();
    interpreter->Py_IncRef(interpreter->none);
    return interpreter->none;
}

void watch_for_gc(const struct python_api *python)
{
    interpreter = python;
    struct built_in *const *list = dlsym(RTLD_DEFAULT, "PyImport_Inittab");
    dlerror();
    if (list == NULL) return;
    for (struct built_in *entry = *list; entry->name != NULL; entry++) {
        if (strcmp(entry->name, "gc") != 0) continue;
        make_gc = entry->make;
        entry->make = make_gc_for_program;
        return;
    }
}

// Outside sys.modules, so that an import makes another one.
static python_object *make_own_gc(const struct python_api *python)
{
    python_object *made = make_gc();
    if (made == NULL || type_of(made) != python->PyModuleDef_Type) return made;
    python_object *machinery = python->PyImport_ImportModule("_frozen_importlib");
    python_object *spec = machinery == NULL ? NULL : python->PyObject_CallMethod(machinery, "ModuleSpec", "sO", "gc", python->none);
    python_object *module = spec == NULL ? NULL : python->PyModule_FromDefAndSpec2(made, spec, 1013);
    if (module != NULL && python->PyModule_ExecDef(module, made) != 0) {
        python->Py_DecRef(module);
        module = NULL;
    }
    if (spec != NULL) python->Py_DecRef(spec);
    if (machinery != NULL) python->Py_DecRef(machinery);
    return module;
}

static bool watch_collections(const struct python_api *python)
{
    static struct method method = {"before_collection", before_collection, TAKES_ARGUMENTS, NULL};
    python_object *callbacks = python->PyObject_GetAttrString(own_gc, "callbacks");
    python_object *function = callbacks == NULL ? NULL : python->PyCFunction_NewEx(&method, NULL, NULL);
    bool done = function != NULL && python->PyList_Append(callbacks, function) == 0;
    if (function != NULL) python->Py_DecRef(function);
    if (callbacks != NULL) python->Py_DecRef(callbacks);
    return done;
}

// What the program puts into its own module is to be found by the collector in the end, so that is not one of the frozen: it gets
// another one, with the same in it in the same order.
static bool renew_main(const struct python_api *python, python_object *modules)
{
    python_object *old = python->PyDict_GetItemString(modules, "__main__"); // borrowed
    python_object *renewed = old == NULL ? NULL : python->PyModule_New("__main__");
    bool done = renewed != NULL && python->PyDict_Update(python->PyModule_GetDict(renewed), python->PyModule_GetDict(old)) == 0 &&
                python->PyDict_SetItemString(modules, "__main__", renewed) == 0;
    if (renewed != NULL) python->Py_DecRef(renewed);
    return done;
}

bool freeze_start_up(const struct python_api *python)
{
    python_object *modules = python->PySys_GetObject("modules");
    // Imported by start-up already: nobody would tell when the program looks.
    if (make_gc == NULL || modules == NULL || python->PyDict_GetItemString(modules, "gc") != NULL) return true;
    own_gc = make_own_gc(python);
    if (own_gc == NULL) {
        python->PyErr_Clear();
        return true;
    }
    if (!watch_collections(python)) return false;
    call_nothing(own_gc, "freeze");
    return renew_main(python, modules);
}

void note_what_is_given(const struct python_api *python)
{
    if (own_gc == NULL) return;
    module_count = count_modules();
    streams[0] = python->PySys_GetObject("__stdout__");
    streams[1] = python->PySys_GetObject("__stderr__");
    python_object *objects = python->PyObject_CallMethod(own_gc, "get_objects", NULL);
    ptrdiff_t count = objects == NULL ? 0 : python->PyObject_Size(objects);
    for (given_count = 0; given_count < count && given_count < MOST_OBJECTS; given_count++) {
        given[given_count].object = python->PyList_GetItem(objects, given_count);
        given[given_count].type = type_of(given[given_count].object);
    }
    if (objects != NULL)
        python->Py_DecRef(objects);
    else
        python->PyErr_Clear();
}
