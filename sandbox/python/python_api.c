#define _GNU_SOURCE
#include "parked_python.h"

#include <dlfcn.h>
#include <string.h>

static bool find(const char *name, void *place)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(place, &found, sizeof found); // a function's address, which C converts from no object's
    return found != NULL;
}

bool find_python(struct python_api *python)
{
#define FIND(name) find(#name, &python->name)
    bool complete = FIND(PyPreConfig_InitPythonConfig) && FIND(Py_PreInitializeFromBytesArgs) && FIND(PyConfig_InitPythonConfig) &&
                    FIND(PyConfig_SetBytesArgv) && FIND(PyConfig_Read) && FIND(PyConfig_Clear) && FIND(Py_InitializeFromConfig) &&
                    FIND(_Py_GetConfig) && FIND(PyStatus_Exception) && FIND(Py_RunMain) &&
                    FIND(PySys_GetObject) && FIND(PySys_SetObject) && FIND(PyImport_ImportModule) && FIND(PyObject_GetAttrString) &&
                    FIND(PyObject_SetAttrString) && FIND(PyObject_CallMethod) && FIND(PyObject_IsTrue) && FIND(PyUnicode_FromString) &&
                    FIND(PyUnicode_FromWideChar) && FIND(Py_DecodeLocale) && FIND(PyMem_RawFree) && FIND(PyBytes_FromStringAndSize) &&
                    FIND(PyList_New) && FIND(PyList_Append) && FIND(PyList_SetSlice) && FIND(PyDict_Clear) && FIND(PyDict_Contains) &&
                    FIND(PyDict_SetItem) && FIND(Py_DecRef) && FIND(PyErr_Clear) &&
                    FIND(PyDict_GetItemString) && FIND(PyDict_SetItemString) && FIND(PyDict_Update) && FIND(PyModule_New) &&
                    FIND(PyModule_GetDict) && FIND(PyModule_FromDefAndSpec2) && FIND(PyModule_ExecDef) &&
                    FIND(PyInterpreterState_Get) && FIND(PyInterpreterState_Main) && FIND(PyModuleDef_Type) && FIND(PyObject_Type) &&
                    FIND(PyObject_Size) && FIND(PyList_GetItem) && FIND(PyCFunction_NewEx) && FIND(Py_IncRef) &&
                    FIND(PyDict_Type) && FIND(PyList_Type) && FIND(PyTuple_Type) && FIND(PySet_Type) && FIND(PyFunction_Type) &&
                    FIND(PyCell_Type) &&
                    (FIND(_Py_IsFinalizing) || find("Py_IsFinalizing", &python->_Py_IsFinalizing)) &&
                    find("_Py_NoneStruct", &python->none) && find("_Py_TrueStruct", &python->true_object) &&
                    find("_Py_FalseStruct", &python->false_object);
#undef FIND
    dlerror(); // so that the next one to ask hears nothing of ours
    return complete;
}
