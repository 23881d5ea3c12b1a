"""A small workspace on disk, with apps in WAT so that nothing but wasmtime compiles, and a stand-in for the kernel."""

from __future__ import annotations

from pathlib import Path

WORKSPACE = """
[workspace]
name = "small"
version = "1.2.3"
apps = ["apps/*"]
profiles = ["profiles/*.toml"]
default = "main"
"""

DRIVER = """
[app]
name = "uart"
kind = "driver"
summary = "Writes a byte to a port"
build.wat = "uart.wat"

[needs.port.regs]
length = 8
access = "w"

[needs.irq.line]
optional = true

[provides.stream.serial]

[limits]
memory = "512 KiB"
"""

DRIVER_WAT = """(module
  (import "munal:port/regs" "write8" (func $write8 (param i32 i32)))
  (import "munal:stream-server/serial" "count" (func $count (result i32)))
  (import "munal:irq/line" "granted" (func $granted (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (call $write8 (i32.const 7) (i32.const 0))
    (call $write8 (i32.const 3) (i32.add (call $count) (call $granted)))))
"""

PROGRAM = """
[app]
name = "talker"
kind = "program"
summary = "Says one line"
build.wat = "talker.wat"

[needs.stream.console]
access = "w"

[limits]
memory = "512 KiB"
"""

PROGRAM_WAT = """(module
  (import "munal:stream/console" "write" (func $write (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "hello\\n")
  (func (export "_start") (drop (call $write (i32.const 0) (i32.const 6)))))
"""

PROFILE = """
[profile]
summary = "One driver and one program"

[instance.com1]
app = "uart"
grant.port.regs = { base = 0x3f8 }

[instance.hello]
app = "talker"
grant.stream.console = { from = "com1.serial" }
"""

FILES = {
    "munal.toml": WORKSPACE,
    "apps/uart/app.toml": DRIVER,
    "apps/uart/uart.wat": DRIVER_WAT,
    "apps/talker/app.toml": PROGRAM,
    "apps/talker/talker.wat": PROGRAM_WAT,
    "profiles/main.toml": PROFILE,
}


def make_workspace(root: Path) -> Path:
    """Write the workspace; its files are older than anything that watches for changes asks for."""
    for name, text in FILES.items():
        change(root, name, text)
    return root


def change(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
