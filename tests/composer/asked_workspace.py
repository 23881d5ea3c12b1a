"""A workspace to ask questions about: a driver for two serial ports, a clock, and programs that ask them, all in WAT."""

from __future__ import annotations

from pathlib import Path

from tests.composer.workspaces import DRIVER, DRIVER_WAT, PROGRAM, PROGRAM_WAT, WORKSPACE, change

CLOCK = """
[app]
name = "rtc"
kind = "driver"
summary = "Tells the time"
build.wat = "rtc.wat"

[needs.port.regs]       # index and data
length = 2

[needs.acpi.tables]
optional = true

[provides.service.time]
protocol = "time/1"

[limits]
memory = "512 KiB"
"""

CLOCK_WAT = """(module
  (import "munal:port/regs" "read8" (func $read8 (param i32) (result i32)))
  (import "munal:port/regs" "write8" (func $write8 (param i32 i32)))
  (import "munal:acpi/tables" "granted" (func $granted (result i32)))
  (import "munal:service-server/time" "receive" (func $receive (param i32 i32 i64) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (call $write8 (i32.const 0) (call $granted))
    (drop (call $read8 (call $receive (i32.const 0) (i32.const 8) (i64.const -1))))))
"""

MAIN = """
[profile]
summary = "A serial port and a program"

[instance.com1]
app = "uart"
grant.port.regs = { base = 0x3f8 }
grant.irq.line = { isa = 4 }

[instance.hello]
app = "talker"
grant.stream.console = { from = "com1.serial" }     # where it talks
limits = { cpu = "20 %" }
"""

MORE = """
[profile]
summary = "The same, with a clock and another serial port"
extends = ["main"]

[kernel]
emergency = { port = 0x3f8 }

[instance.com2]
app = "uart"
grant.port.regs = { base = 0x2f8 }

[instance.rtc]
app = "rtc"
grant.port.regs = { base = 0x70 }
"""

FILES = {
    "munal.toml": WORKSPACE, "apps/uart/app.toml": DRIVER, "apps/uart/uart.wat": DRIVER_WAT, "apps/talker/app.toml": PROGRAM,
    "apps/talker/talker.wat": PROGRAM_WAT, "apps/rtc/app.toml": CLOCK, "apps/rtc/rtc.wat": CLOCK_WAT, "profiles/main.toml": MAIN, "profiles/more.toml": MORE,
}


def make_asked_workspace(root: Path) -> Path:
    for name, text in FILES.items():
        change(root, name, text)
    return root
