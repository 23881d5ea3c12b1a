"""The repository's serial driver, changed to touch port 0x2f8, which was not granted to it.

Where its code says so, `check` refuses it; where the offset is only known at run time, it boots, and glue stops it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from composer.guest import started
from composer.pipeline import Stage, compose
from composer.qemu import Machine
from composer.spans import Span, WasmPlace
from tests.boot.machine import Listener
from tests.boot.workspace import copy_workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("boot")]

WRITE = "REGS.write8(THR, byte);"
CONSTANT = "REGS.write8(0x2f8u16.wrapping_sub(0x3f8), byte);"

START = "let Some(uart) = Uart::find() else {"
COMPUTED = "REGS.write8(core::hint::black_box(0x2f8u16).wrapping_sub(0x3e8), 0);\n    "
"""What went through memory is not known before run time: a shifted time of the clock is still seen through."""

ASTRAY = """
[profile]
summary = "A console, and a second serial driver that goes astray"
extends = ["console"]

[instance.com3]
app = "astray"
grant.port.regs = { base = 0x3e8 }
grant.irq.line = { isa = 3 }
restart = "never"

[instance.shell]
grant.control.instances = { instances = ["com3"] }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_workspace(tmp_path / "workspace")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_port_that_its_code_names_is_refused(root):
    change(root / "apps/drivers/uart16550/src/uart.rs", WRITE, CONSTANT)
    found = [d for d in compose(root, "console", Stage.CHECK).diagnostics if d.code == "M0303"]
    assert len(found) == 1 and "0x2f8" in found[0].message
    places = [label.place for label in found[0].labels]
    assert {place.source.path for place in places if isinstance(place, Span)} == {
        "apps/drivers/uart16550/app.toml", "profiles/console.toml"}
    (code,) = [place for place in places if isinstance(place, WasmPlace)]
    assert "transmit" in code.function and code.offset > 0


@pytest.mark.boot
def test_a_port_that_it_computes_is_stopped_by_glue(root):
    wild = root / "apps/drivers/astray"
    shutil.copytree(root / "apps/drivers/uart16550", wild)
    for path in (wild / "app.toml", wild / "Cargo.toml", *wild.glob("src/*.rs")):
        path.write_text(path.read_text().replace('name = "uart16550"', 'name = "astray"').replace("uart16550::", "astray::"))
    change(wild / "src/main.rs", START, COMPUTED + START)
    (root / "profiles/astray.toml").write_text(ASTRAY)
    assert [d.code for d in compose(root, "astray", Stage.CHECK).diagnostics] == ["M0325"], "the console requires proof"
    change(root / "profiles/astray.toml", 'restart = "never"', 'restart = "never"\nproof = "optional"')

    built = compose(root, "astray")
    assert built.ok, built.diagnostics
    with started(built.value.image, Machine()) as guest:
        listener = Listener(guest)
        listener.expect(r"com3: wasm trap: .*unreachable.*; stays ended")
        listener.expect("^munal> ")
        guest.serial.sendall(b"log com3\nps\n")
        listener.expect(r"munal:port/regs#write8")
        listener.expect(r"^com3 +astray +failed")
        listener.expect(r"^com1 +uart16550 +(waiting|ready|running)")
