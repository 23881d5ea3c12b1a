"""Small images for tests: a system made by hand, linked with a kernel made by hand."""

from __future__ import annotations

from collections.abc import Mapping

from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.link import link
from composer.origin import Composer, Origin
from composer.system import System
from tests.composer.elves import Elf
from tests.composer.systems import driver_and_client

MODULES = {"app/uart": b"u" * 4096, "app/talker": b"t" * 4097, "glue/com1": b"c", "glue/hello": b"g" * 10}
ORIGIN = Origin(Composer("0.1.0", "c" * 64), "d" * 64, "made", None, {"port": "3"}, {"wasmtime": "48.0.0"},
                {"uart": "a" * 64, "talker": "b" * 64})


def small_image(system: System | None = None, modules: Mapping[str, bytes] = MODULES, origin: Origin | None = ORIGIN) -> bytes:
    made = system or driver_and_client()
    record = origin.record() if origin else b""
    return link(Elf().build(), made, make_layout(made), modules, load_interfaces(), record).value.data
