// What is run stands in the interpreter's configuration, and Py_RunMain, the second half of the interpreter's own main, takes it
// from there. Its layout differs from version to version, so nothing of it is written down here: three command lines that differ in
// nothing but what they run are read by the interpreter, and what differs in what came out are the fields that say so.
#define _GNU_SOURCE
#include "parked_python.h"

#include <stdlib.h>
#include <string.h>

#define MOST_WORDS 48 // of a line that only serves to find the fields

static bool is_clean_beyond(const struct opaque_config *config)
{
    for (size_t i = CONFIG_WORDS / 2; i < CONFIG_WORDS; i++)
        if (config->words[i] != 0) return false;
    return true;
}

static bool read_line(const struct python_api *python, struct opaque_config *config, char *const *words, int count)
{
    memset(config, 0, sizeof *config);
    python->PyConfig_InitPythonConfig(config);
    struct python_status status = python->PyConfig_SetBytesArgv(config, count, words);
    if (!python->PyStatus_Exception(status)) status = python->PyConfig_Read(config);
    if (!python->PyStatus_Exception(status) && is_clean_beyond(config)) return true;
    python->PyConfig_Clear(config);
    return false;
}

// "python3 OPTIONS KIND NAME a a a …", or without KIND when that is NULL.
static bool read_example(const struct python_api *python, struct opaque_config *config, char *const *options, int option_count,
                         char *kind, char *name, int further)
{
    char *words[GB_MAX_STRINGS > 1024 ? 1024 : GB_MAX_STRINGS];
    int count = 0;
    if (option_count + further + 3 > (int)(sizeof words / sizeof words[0])) return false;
    for (int i = 0; i < option_count; i++) words[count++] = options[i];
    if (kind != NULL) words[count++] = kind;
    words[count++] = name;
    for (int i = 0; i < further; i++) words[count++] = "a";
    words[count] = NULL;
    return read_line(python, config, words, count);
}

struct search {
    const struct opaque_config *of_command, *of_module, *of_file;
};

// The one word for which it holds; 0 (never one of them: the first word is the configuration's kind) when there is none or another.
static size_t only_word(struct search search, bool (*holds)(struct search, size_t, const uintptr_t *), const uintptr_t *expected)
{
    size_t found = 0;
    for (size_t i = 1; i < CONFIG_WORDS / 2; i++) {
        if (!holds(search, i, expected)) continue;
        if (found != 0) return 0;
        found = i;
    }
    return found;
}

static bool is_set_as(struct search search, size_t i, const uintptr_t *expected)
{
    return (search.of_command->words[i] != 0) == expected[0] && (search.of_module->words[i] != 0) == expected[1] &&
           (search.of_file->words[i] != 0) == expected[2];
}

static bool is_equal_to(struct search search, size_t i, const uintptr_t *expected)
{
    return search.of_command->words[i] == expected[0] && search.of_module->words[i] == expected[1] &&
           search.of_file->words[i] == expected[2];
}

bool find_run_fields(const struct python_api *python, char *const *options, int option_count, struct run_fields *fields)
{
    static struct opaque_config command, module, file;
    const int words_of_command = MOST_WORDS - 7, words_of_module = MOST_WORDS - 5, words_of_file = MOST_WORDS - 1;
    if (!read_example(python, &command, options, option_count, "-c", "pass", words_of_command)) return false;
    if (!read_example(python, &module, options, option_count, "-m", "this", words_of_module)) return false;
    if (!read_example(python, &file, options, option_count, NULL, "/x", words_of_file)) return false;
    struct search search = {&command, &module, &file};
    fields->command = only_word(search, is_set_as, (const uintptr_t[]){1, 0, 0});
    fields->module = only_word(search, is_set_as, (const uintptr_t[]){0, 1, 0});
    fields->file_name = only_word(search, is_set_as, (const uintptr_t[]){0, 0, 1});
    // Counts; the list itself stands behind its count. The program's words begin with "-c", "-m" or the file's name.
    uintptr_t given = (uintptr_t)option_count;
    fields->arguments = only_word(
        search, is_equal_to,
        (const uintptr_t[]){(uintptr_t)words_of_command + 1, (uintptr_t)words_of_module + 1, (uintptr_t)words_of_file + 1});
    fields->original_arguments =
        only_word(search, is_equal_to,
                  (const uintptr_t[]){given + 2 + (uintptr_t)words_of_command, given + 2 + (uintptr_t)words_of_module,
                                      given + 1 + (uintptr_t)words_of_file}); // 3.9 has none
    python->PyConfig_Clear(&command);
    python->PyConfig_Clear(&module);
    python->PyConfig_Clear(&file);
    return fields->command != 0 && fields->module != 0 && fields->file_name != 0 && fields->arguments != 0;
}

static void exchange(uintptr_t *one, uintptr_t *other, size_t field)
{
    uintptr_t kept = one[field];
    one[field] = other[field];
    other[field] = kept;
}

// Replaces what is in the list sys.NAME: whoever holds the list sees it too.
static bool fill_list(const struct python_api *python, const char *name, wchar_t *const *words, size_t count)
{
    python_object *list = python->PySys_GetObject(name); // borrowed
    python_object *next = list == NULL ? NULL : python->PyList_New(0);
    if (next == NULL) return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        python_object *word = python->PyUnicode_FromWideChar(words[i], -1);
        done = word != NULL && python->PyList_Append(next, word) == 0;
        if (word != NULL) python->Py_DecRef(word);
    }
    done = done && python->PyList_SetSlice(list, 0, PTRDIFF_MAX, next) == 0;
    python->Py_DecRef(next);
    return done;
}

static bool fill_original(const struct python_api *python, char *const *words, int count)
{
    if (python->PySys_GetObject("orig_argv") == NULL) return true; // 3.9
    wchar_t **decoded = calloc((size_t)count, sizeof *decoded);
    bool done = decoded != NULL;
    for (int i = 0; done && i < count; i++) done = (decoded[i] = python->Py_DecodeLocale(words[i], NULL)) != NULL;
    done = done && fill_list(python, "orig_argv", decoded, (size_t)count);
    for (int i = 0; decoded != NULL && i < count; i++) python->PyMem_RawFree(decoded[i]);
    free(decoded);
    return done;
}

bool take_command_line(const struct python_api *python, const struct run_fields *fields, char *const *words, int count)
{
    static struct opaque_config read;
    if (!read_line(python, &read, words, count)) return false;
    uintptr_t *live = python->_Py_GetConfig();
    exchange(live, read.words, fields->command);
    exchange(live, read.words, fields->module);
    exchange(live, read.words, fields->file_name);
    exchange(live, read.words, fields->arguments);
    exchange(live, read.words, fields->arguments + 1);
    if (fields->original_arguments != 0) {
        exchange(live, read.words, fields->original_arguments);
        exchange(live, read.words, fields->original_arguments + 1);
    }
    python->PyConfig_Clear(&read);
    return fill_list(python, "argv", (wchar_t *const *)live[fields->arguments + 1], live[fields->arguments]) &&
           fill_original(python, words, count);
}
