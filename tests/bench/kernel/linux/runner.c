// Runs an app's wasm under wasmtime: `runner MODULE`. The engine is made with wasmtime's default settings and compiles for the
// processor that it finds. The app's console is standard input and output, its clock is the monotonic one.

#include <string.h>
#include <unistd.h>

#include "report.h"
#include "wasmtime_api.h"

static void give_up(const char *what, wasmtime_error_t *error, wasm_trap_t *trap) {
    wasm_byte_vec_t text = {0, NULL};
    if (error) {
        wasmtime_error_message(error, &text);
    } else if (trap) {
        wasm_trap_message(trap, &text);
    }
    printf("%s: %.*s\n", what, (int)text.size, text.data ? text.data : "");
    fail(what);
}

// The bytes that the app lends; NULL where they leave its memory.
static char *lent(wasmtime_caller_t *caller, const wasmtime_val_t *arguments, size_t *length) {
    wasmtime_extern_t memory;
    if (!wasmtime_caller_export_get(caller, "memory", 6, &memory)) {
        return NULL;
    }
    wasmtime_context_t *context = wasmtime_caller_context(caller);
    size_t size = wasmtime_memory_data_size(context, &memory.of.memory), at = (uint32_t)arguments[0].of.i32;
    *length = (uint32_t)arguments[1].of.i32;
    return at <= size && *length <= size - at ? (char *)wasmtime_memory_data(context, &memory.of.memory) + at : NULL;
}

static wasm_trap_t *console_write(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments, size_t count,
                                  wasmtime_val_t *results, size_t answers) {
    (void)env, (void)count, (void)answers;
    size_t length = 0;
    char *bytes = lent(caller, arguments, &length);
    results[0].kind = 0;
    results[0].of.i32 = bytes ? (int32_t)fwrite(bytes, 1, length, stdout) : -1;
    fflush(stdout);
    return NULL;
}

static wasm_trap_t *console_read(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments, size_t count,
                                 wasmtime_val_t *results, size_t answers) {
    (void)env, (void)count, (void)answers;
    size_t length = 0;
    char *bytes = lent(caller, arguments, &length);
    results[0].kind = 0;
    results[0].of.i32 = bytes ? (int32_t)read(0, bytes, length) : -1;
    return NULL;
}

static wasm_trap_t *time_now(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments, size_t count,
                             wasmtime_val_t *results, size_t answers) {
    (void)env, (void)caller, (void)arguments, (void)count, (void)answers;
    results[0].kind = 1;
    results[0].of.i64 = (int64_t)now();
    return NULL;
}

static wasm_functype_t *type_of(size_t parameters, uint8_t result) {
    wasm_valtype_t *taken[2] = {wasm_valtype_new(0), wasm_valtype_new(0)}, *answered = wasm_valtype_new(result);
    wasm_valtype_vec_t from, to;
    wasm_valtype_vec_new(&from, parameters, taken);
    wasm_valtype_vec_new(&to, 1, &answered);
    return wasm_functype_new(&from, &to);
}

static void define(wasmtime_linker_t *linker, const char *module, const char *name, wasm_functype_t *type, wasmtime_callback_t call) {
    wasmtime_error_t *error = wasmtime_linker_define_func(linker, module, strlen(module), name, strlen(name), type, call, NULL, NULL);
    if (error) {
        give_up(name, error, NULL);
    }
}

static uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        give_up(path, NULL, NULL);
    }
    *length = (size_t)ftell(file);
    uint8_t *bytes = malloc(*length);
    rewind(file);
    if (!bytes || fread(bytes, 1, *length, file) != *length) {
        give_up(path, NULL, NULL);
    }
    fclose(file);
    return bytes;
}

int main(int count, char **words) {
    if (count != 2) {
        give_up("usage", NULL, NULL);
    }
    size_t length;
    uint8_t *wasm = read_file(words[1], &length);
    wasm_engine_t *engine = wasm_engine_new();
    wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasmtime_linker_t *linker = wasmtime_linker_new(engine);
    define(linker, "munal:stream/console", "write", type_of(2, 0), console_write);
    define(linker, "munal:stream/console", "read", type_of(2, 0), console_read);
    define(linker, "munal:clock/time", "now", type_of(0, 1), time_now);
    wasmtime_module_t *module;
    uint64_t start = now();
    wasmtime_error_t *error = wasmtime_module_new(engine, wasm, length, &module);
    if (error) {
        give_up("compiling", error, NULL);
    }
    printf("note compiled %zu bytes in %llu us\n", length, (unsigned long long)(now() - start) / 1000);
    error = wasmtime_linker_define_unknown_imports_as_traps(linker, module); // what needs Munal is not asked of it here
    if (error) {
        give_up("linking", error, NULL);
    }
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    error = wasmtime_linker_instantiate(linker, context, module, &instance, &trap);
    if (error || trap) {
        give_up("instantiating", error, trap);
    }
    wasmtime_extern_t entry;
    if (!wasmtime_instance_export_get(context, &instance, "_start", 6, &entry) || entry.kind != 0) {
        give_up("no _start", NULL, NULL);
    }
    error = wasmtime_func_call(context, &entry.of.func, NULL, 0, NULL, 0, &trap);
    if (error || trap) {
        give_up("running", error, trap);
    }
    return 0;
}
