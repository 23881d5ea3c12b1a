"""The kernel's ELF: built by cargo from kernel/ with the dispatch of raw primitives and the ABI rendered from the interfaces.

Gives a file in the cache, under a key of all that goes into it. The first build compiles wasmtime's runtime and takes
minutes; one that changed the kernel alone takes seconds.
"""

from __future__ import annotations

from pathlib import Path

from composer import cache, toolchain
from composer.interfaces import Interfaces, load_interfaces
from composer.tools import ToolFailure
from composer.tree import Index

FORMAT = "6"
HERE = Path(__file__).resolve().parent
KERNEL = HERE.parent / "kernel"
TARGET = "x86_64-munal-linux-gnu"
BINARY = "munal-kernel"
DISPATCH = "dispatch.rs.j2"


def build_kernel(features: tuple[str, ...] = ()) -> Path:
    """The ELF file, with these features of kernel/Cargo.toml: images for people have none.

    Raises ToolFailure where no toolchain can build it or the build fails.
    """
    interfaces = load_interfaces()
    rust = toolchain.require_rust(kernel=True)
    index = Index(KERNEL)
    template = index.file(HERE / "templates" / DISPATCH)
    key = cache.digest(FORMAT, rust.identity("ld.lld"), index.folder(KERNEL), template, repr(interfaces), interfaces.abi,
                       *sorted(features))
    index.save()
    return cache.entry("kernel", key) or cache.store("kernel", key, _build(rust, interfaces, features))


def _build(rust: toolchain.Rust, interfaces: Interfaces, features: tuple[str, ...]) -> bytes:
    from composer.cargo import Cargo

    with cache.work("kernel") as area:
        dispatch, abi = area / "dispatch.rs", area / "abi.json"
        cache.write_if_changed(dispatch, render_dispatch(interfaces).encode())
        cache.write_if_changed(abi, interfaces.abi)
        env = {"MUNAL_DISPATCH": str(dispatch), "MUNAL_ABI": str(abi)}
        if linker := rust.linker("ld.lld"):
            env["CARGO_TARGET_X86_64_MUNAL_LINUX_GNU_LINKER"] = str(linker)
        cargo = Cargo(rust, area, KERNEL / "Cargo.toml", "building the kernel", env=env, words=(
            "--package", BINARY, "--target", str(KERNEL / f"{TARGET}.json"), "-Zjson-target-spec",
            "-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem",
            *(("--features", ",".join(sorted(features))) if features else ())))
        cargo.build()
        elf = cargo.target / TARGET / "release" / BINARY
        try:
            return elf.read_bytes()
        except OSError as error:
            raise ToolFailure("cargo", f"the kernel's build left no {BINARY}: {error.strerror}") from error


def render_dispatch(interfaces: Interfaces) -> str:
    """The Rust source that links every raw primitive to the kernel's function of that name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(HERE / "templates"), undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
    return made.get_template(DISPATCH).render(interfaces=interfaces)
