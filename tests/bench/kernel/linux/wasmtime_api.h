// The few functions of wasmtime's C API that the runner calls, as version 48 declares them (crates/c-api/include): the Python
// package carries the library without its headers.
#ifndef WASMTIME_API_H
#define WASMTIME_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_module wasmtime_module_t;
typedef struct wasmtime_linker wasmtime_linker_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_error wasmtime_error_t;

typedef struct { size_t size; char *data; } wasm_byte_vec_t;
typedef struct { size_t size; wasm_valtype_t **data; } wasm_valtype_vec_t;
typedef struct { uint64_t store; void *inner; } wasmtime_func_t;
typedef struct { struct { uint64_t store; uint32_t first; } outer; uint32_t second; } wasmtime_memory_t;
typedef struct { uint64_t store; size_t inner; } wasmtime_instance_t;

typedef struct {
    uint8_t kind; // 0: a function, 3: a memory
    union { wasmtime_func_t func; wasmtime_memory_t memory; uint64_t size[3]; } of;
} wasmtime_extern_t;

typedef struct {
    uint8_t kind; // 0: i32, 1: i64
    union { int32_t i32; int64_t i64; uint64_t size[3]; } of;
} wasmtime_val_t;

typedef wasm_trap_t *(*wasmtime_callback_t)(void *, wasmtime_caller_t *, const wasmtime_val_t *, size_t, wasmtime_val_t *, size_t);

wasm_engine_t *wasm_engine_new(void);
wasm_valtype_t *wasm_valtype_new(uint8_t kind);
void wasm_valtype_vec_new(wasm_valtype_vec_t *, size_t, wasm_valtype_t *const *);
wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *parameters, wasm_valtype_vec_t *results);
void wasm_trap_message(const wasm_trap_t *, wasm_byte_vec_t *);
wasmtime_store_t *wasmtime_store_new(wasm_engine_t *, void *, void (*)(void *));
wasmtime_context_t *wasmtime_store_context(wasmtime_store_t *);
wasmtime_error_t *wasmtime_module_new(wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **);
wasmtime_linker_t *wasmtime_linker_new(wasm_engine_t *);
wasmtime_error_t *wasmtime_linker_define_func(wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *,
                                              wasmtime_callback_t, void *, void (*)(void *));
wasmtime_error_t *wasmtime_linker_define_unknown_imports_as_traps(wasmtime_linker_t *, wasmtime_module_t *);
wasmtime_error_t *wasmtime_linker_instantiate(const wasmtime_linker_t *, wasmtime_context_t *, const wasmtime_module_t *,
                                              wasmtime_instance_t *, wasm_trap_t **);
bool wasmtime_instance_export_get(wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *);
wasmtime_error_t *wasmtime_func_call(wasmtime_context_t *, const wasmtime_func_t *, const wasmtime_val_t *, size_t, wasmtime_val_t *,
                                     size_t, wasm_trap_t **);
bool wasmtime_caller_export_get(wasmtime_caller_t *, const char *, size_t, wasmtime_extern_t *);
wasmtime_context_t *wasmtime_caller_context(wasmtime_caller_t *);
uint8_t *wasmtime_memory_data(const wasmtime_context_t *, const wasmtime_memory_t *);
size_t wasmtime_memory_data_size(const wasmtime_context_t *, const wasmtime_memory_t *);
void wasmtime_error_message(const wasmtime_error_t *, wasm_byte_vec_t *);

#endif
