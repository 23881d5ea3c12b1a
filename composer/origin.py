"""The record in an image of what it was made of: enough to make it again and to say what is otherwise where that differs.

Gets a system, its apps' wasm and what compiled it; gives canonical JSON without a path, a user or a time. Read back from
images that anybody may have changed, so that every value is looked at before it is believed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from composer import __version__, cache
from composer.system import App, System

FORMAT = 1
HERE = Path(__file__).resolve().parent
HOME = HERE.parent
PAGES = "explanations"
WASMTIME, KERNEL_RUST, KERNEL_LINKER = "wasmtime", "rustc of the kernel", "linker of the kernel"
APPS_RUST, APPS_LINKER, ZIG = "rustc of apps", "linker of apps", "zig"

SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]{0,1024}")


@dataclass(frozen=True, slots=True)
class Composer:
    """Which composer: its version, and the SHA-256 of its text, the interfaces and the libraries that it is locked to."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What one image was made of. `kernel` is the SHA-256 of the kernel's ELF, `wasm` that of each app's wasm by the app's
    name, `toolchain` what each compiler calls itself, `settings` the value of every parameter."""

    composer: Composer
    kernel: str
    profile: str
    target: str | None
    settings: dict[str, str] = field(default_factory=dict)
    toolchain: dict[str, str] = field(default_factory=dict)
    wasm: dict[str, str] = field(default_factory=dict)

    def record(self) -> bytes:
        """Canonical JSON: ASCII, keys sorted, no blanks."""
        return _canonical({"format": FORMAT, **asdict(self)})


def read_record(record: bytes) -> dict[str, Any]:
    """The fields of `Origin` by name, with `format`. Raises ValueError, with words for a person, for all else."""
    try:
        read = json.loads(record)
    except (ValueError, RecursionError) as fault:
        raise ValueError("it is no JSON") from fault
    if not isinstance(read, dict) or set(read) != set(_FORMS):
        raise ValueError("it has other keys than a record of this format")
    if type(read["format"]) is not int or read["format"] != FORMAT:
        raise ValueError("it is of another format than this composer reads")
    for key, fits in _FORMS.items():
        if not fits(read[key]):
            raise ValueError(f"its `{key}` is none that can be")
    if _canonical(read) != record:
        raise ValueError("it is written in another way than the composer's")
    return read


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def make(system: System, kernel: bytes, wasm: Mapping[str, Path]) -> Origin:
    """The origin of a system's image; `kernel` is its ELF. Raises as `toolchain` does."""
    return Origin(composer(), hashlib.sha256(kernel).hexdigest(), system.profile, system.target, dict(system.settings),
                  toolchain(system.apps), sha256_of(wasm))


def composer() -> Composer:
    """This composer. Its text is what is in its folder: an edit makes it another, unless of the pages that only `explain` reads."""
    from composer.tree import Index

    index = Index(HOME)
    pages = frozenset(f"{PAGES}/{page.name}" for page in (HERE / PAGES).glob("*.md"))
    made = cache.digest(index.folder(HERE, pages), index.folder(HOME / "kernel" / "interfaces"), index.file(HOME / "requirements.lock"))
    index.save()
    return Composer(__version__, made)


def toolchain(apps: Iterable[App]) -> dict[str, str]:
    """What each compiler that takes part calls itself, by what it is for. Raises ToolFailure where one does not run."""
    forms = {app.build.form for app in apps}
    taking_part = [WASMTIME, KERNEL_RUST, KERNEL_LINKER, *([APPS_RUST, APPS_LINKER] if "cargo" in forms else ()), *([ZIG] if "c" in forms else ())]
    return {name: words for name in sorted(taking_part) if (words := tool(name)) is not None}


def tool(name: str) -> str | None:
    """What the compiler that is for `name` calls itself; None where it is not installed yet, or there is none of that name."""
    from composer import toolchain as tools
    from composer.compile import WASMTIME as version

    if name == WASMTIME:
        return version
    if name == ZIG:
        return tools.zig_words()
    if name not in (APPS_RUST, APPS_LINKER, KERNEL_RUST, KERNEL_LINKER):
        return None
    rust = tools.find_rust(kernel=name in (KERNEL_RUST, KERNEL_LINKER))
    if rust is None or name in (APPS_RUST, KERNEL_RUST):
        return rust and rust.words
    return rust.linker_words("ld.lld" if name == KERNEL_LINKER else "wasm-ld")


def sha256_of(files: Mapping[str, Path]) -> dict[str, str]:
    """The SHA-256 of each file, by its name here."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def _text(value: Any) -> bool:
    return type(value) is str and _TEXT.fullmatch(value) is not None


def _sha256(value: Any) -> bool:
    return type(value) is str and SHA256.fullmatch(value) is not None


def _by_name(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is dict and all(_text(key) and fits(each) for key, each in value.items())


def _composer(value: Any) -> bool:
    return type(value) is dict and set(value) == {"version", "sha256"} and _text(value["version"]) and _sha256(value["sha256"])


_FORMS: dict[str, Callable[[Any], bool]] = {
    "format": lambda value: type(value) is int, "composer": _composer, "kernel": _sha256, "profile": _text,
    "target": lambda value: value is None or _text(value), "settings": _by_name(_text), "toolchain": _by_name(_text),
    "wasm": _by_name(_sha256),
}
