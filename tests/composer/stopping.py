"""Runs `munal` in a process that stands still at one place, so that a test can do something to it exactly there.

    python -P -m tests.composer.stopping PLACE WORDS...

At the place it prints `here` and waits for a byte on standard input. The kernel is a small one made by hand. PLACE is the name
of a stage, `image` or `object` for the middle of writing a file, or `nowhere`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAGES = {
    "load": ("load", "load"), "model": ("model", "model"), "join": ("resolve", "join"), "resolve": ("resolve", "flatten"), "build": ("source", "build_apps"), "inspect": ("inspect", "inspect"),
    "check": ("check", "check"), "generate": ("generate", "render_all"), "compile": ("compile", "compile_modules"), "link": ("link", "link"),
}
WRITES = {"image": "build", "object": "objects"}
"""The name of the folder that a file is written to."""


def main() -> None:
    place, *words = sys.argv[1:]
    _use_a_small_kernel()
    if place in STAGES:
        _stand_still_before(*STAGES[place])
    elif place in WRITES:
        _stand_still_in_the_middle_of_writing_to(WRITES[place])
    from composer.__main__ import main as munal

    munal(words)


def _use_a_small_kernel() -> None:
    from composer import kernel_build
    from tests.composer.elves import Elf

    kernel = Path(os.environ["MUNAL_CACHE"]).parent / f"kernel-{os.getpid()}.elf"

    def build_kernel(*_: Any, **__: Any) -> Path:
        kernel.write_bytes(Elf().build())
        return kernel

    kernel_build.build_kernel = build_kernel


def _stand_still() -> None:
    os.write(1, b"here\n")
    os.read(0, 1)


def _stand_still_before(module: str, name: str) -> None:
    owner = importlib.import_module(f"composer.{module}")
    real: Callable[..., Any] = getattr(owner, name)

    def waits(*args: Any, **named: Any) -> Any:
        setattr(owner, name, real)
        _stand_still()
        return real(*args, **named)

    setattr(owner, name, waits)


def _stand_still_in_the_middle_of_writing_to(folder: str) -> None:
    real = Path.write_bytes

    def writes(path: Path, content: bytes) -> int:
        if path.parent.name != folder:
            return real(path, content)
        Path.write_bytes = real  # type: ignore[method-assign]
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            _stand_still()
            file.write(content[len(content) // 2 :])
        return len(content)

    Path.write_bytes = writes  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
