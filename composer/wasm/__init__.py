"""A reader of core wasm binaries: sections, code, and the constants that reach an import.

Gets bytes that nobody vouches for; gives a Module, or one WasmError with the offset where reading stopped.
It runs nothing and trusts no length that the bytes state.
"""
