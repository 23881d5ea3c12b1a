"""Drivers of the repository in the simulator, each with one client that is written in Python, on time that passes only while both
sleep: what takes a driver half a minute takes a test none, and nothing depends on how fast this computer is.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from composer import pipeline, table
from composer.generate import render_all
from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.simulate import engine, sip
from composer.simulate.clock import Stepped
from composer.simulate.faults import Plan
from composer.simulate.kernel import Kernel
from composer.simulate.machine import Machine, Outcome
from composer.simulate.sip import Sip, Status
from composer.system import Instance, Restart, System
from tests.boot.workspace import REPOSITORY
from tests.composer.systems import app, instance, need, system, wire

SECOND = 1_000_000_000
LONGEST = 60.0
"""Seconds of this computer's after which a test that waits has failed."""
LIFETIME = 600 * SECOND
"""The longest that a simulation takes, by its own clock."""
RESTED = 100 * SECOND
"""For how long a driver is watched after its client has done its work: longer than any waits for its device."""
MEMORY = 3 << 20
REPLY_AT = 3 << 19
DRIVER, CLIENT = "driver", "client"
KEYBOARD_PORTS = {"data": 0x60, "control": 0x64}


class Refused(Exception):
    """A call was answered with an error of abi.toml, by its name."""


class Life:
    """One run of a client: what engine.Life is to wasm."""

    memory_length = MEMORY

    def __init__(self, of: Sip, job: Callable[[Client], Any]) -> None:
        self.sip, self._job = of, job
        self._memory = ctypes.create_string_buffer(MEMORY)

    def run(self) -> None:
        self._job(Client(self))

    def read(self, address: int, length: int) -> bytes:
        return ctypes.string_at(ctypes.addressof(self._memory) + address, length)

    def write(self, address: int, length: int, data: bytes) -> int:
        count = min(length, len(data))
        ctypes.memmove(ctypes.addressof(self._memory) + address, data, count)
        return count


class Client:
    """What a client calls: the raw primitives, with bytes for pointers. Timeouts are in nanoseconds; -1 is for ever."""

    def __init__(self, life: Life) -> None:
        self._life, self._sip = life, life.sip
        self._raw, self._names = load_interfaces().raw, {number: name for name, number in load_interfaces().errors.items()}

    def call(self, message: bytes, room: int = 1 << 20, timeout: int = -1) -> bytes:
        """Ask the service, and wait for the reply."""
        self._life.write(0, len(message), message)
        return self._life.read(REPLY_AT, self._do("service_call_within", 0, 0, len(message), REPLY_AT, room, timeout))

    def send(self, message: bytes, timeout: int = -1) -> None:
        self._life.write(0, len(message), message)
        self._do("channel_send", 0, 0, len(message), 0, 0, timeout)

    def receive(self, timeout: int = -1) -> bytes:
        return self._life.read(REPLY_AT, self._do("channel_receive", 0, REPLY_AT, 2048, 0, 0, timeout))

    def read(self, most: int = 4096) -> bytes:
        """Wait for bytes of the stream."""
        return self._life.read(REPLY_AT, self._do("stream_read", 0, REPLY_AT, most))

    def try_read(self, most: int = 4096) -> bytes:
        return self._life.read(REPLY_AT, self._do("stream_try_read", 0, REPLY_AT, most))

    def rest(self, nanoseconds: int) -> None:
        """Do nothing for a while."""
        kernel = self._sip.kernel
        with kernel.changed:
            kernel.wait(self._sip, lambda: False, kernel.now() + nanoseconds)

    @property
    def card(self) -> Any:
        """The driver's device, for what comes to it from outside."""
        kernel = self._sip.kernel
        return kernel.cabinet.of.get(DRIVER) or kernel.machine.at_port(KEYBOARD_PORTS["data"])

    def outside(self, happens: Callable[..., None], *arguments: Any) -> None:
        """Something happens to the machine."""
        with self._sip.kernel.changed:
            happens(*arguments)

    def _do(self, name: str, *values: int) -> int:
        answer = self._sip.primitives.call(name, self._raw[name].result, values)
        if answer < 0:
            raise Refused(self._names[answer])
        return answer


@dataclass(frozen=True)
class Ran:
    """What came of it: what the client's work gave, or the error that ended it; the driver's log, and how it stands at the end."""

    result: Any
    error: str | None
    log: tuple[str, ...]
    status: Status
    says: str
    kernel_log: str


Drive = Callable[..., Ran]


@pytest.fixture(scope="session")
def drivers() -> pipeline.Generated:
    """All drivers of the repository's profile `drivers`, built."""
    result = pipeline.compose(REPOSITORY, "drivers", pipeline.Stage.GENERATE)
    assert result.ok, result.diagnostics
    return result.value


@pytest.fixture(scope="session")
def modules(drivers: pipeline.Generated) -> Callable[..., Any]:
    """The compiled driver of an app, and its glue: each compiled once."""
    made: dict[Any, Any] = {}
    on = engine.new_engine()

    def get(what: str | bytes | None) -> Any:
        if what is None:
            return on
        if what not in made:
            made[what] = engine.compile_module(on, what)
        return made[what]

    return get


@pytest.fixture
def drive(drivers: pipeline.Generated, modules: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Drive]:
    """`drive(app, job, *faults)` runs a driver and a client whose work is `job(client)`, to its end and a while longer."""
    made = sip.Life
    monkeypatch.setattr(sip, "Life", lambda of, linked, glue, app, limit: Life(of, app) if callable(app) else made(of, linked, glue, app, limit))
    running: list[Kernel] = []

    def start(name: str, job: Callable[[Client], Any], *faults: Any, plan: Plan | None = None, restart: Restart = Restart("never")) -> Ran:
        found: dict[str, Any] = {}

        def work(client: Client) -> None:
            try:
                found["result"] = job(client)
            except engine.Finished:
                raise
            except Exception as error:
                found["error"] = error
            client.rest(RESTED)
            with kernel.changed:
                found["status"] = driver.status
                machine.end(Outcome.POWER_OFF)

        described = _system(drivers, name, restart)
        interfaces, layout = load_interfaces(), make_layout(described)
        texts = render_all(described, layout, interfaces)
        machine = Machine(clock=Stepped(LIFETIME, lambda: machine.end(Outcome.EXIT, 1)))
        apps = {name: modules(drivers.wasm[name].read_bytes()), CLIENT: work}
        listed = [table.Module(each, 0, 0, bytes(32)) for each in (*map(table.app_module, apps), *map(table.glue_module, texts))]
        encoded = table.encode(described, layout, listed, interfaces)
        linked = engine.Linked(modules(None), interfaces.raw)
        kernel = Kernel(described, layout, interfaces, machine, linked, apps, {each: modules(text) for each, text in texts.items()}, encoded,
                        plan or Plan(faults=tuple(faults)))
        driver = next(each for each in kernel.sips if each.name == DRIVER)
        running.append(kernel)
        kernel.start()
        with kernel.changed:
            assert kernel.changed.wait_for(lambda: machine.ended or machine.fault, LONGEST), "the simulation stands still"
            assert machine.fault is None, machine.fault
            ran = Ran(found.get("result"), str(found.get("error")) if "error" in found else None,
                      tuple(bytes(driver.log.bytes).decode().splitlines()), found.get("status", driver.status), driver.error, bytes(kernel.log.bytes).decode())
        if not isinstance(found.get("error", Refused()), Refused):
            raise found["error"]
        assert machine.ended[0] is Outcome.POWER_OFF, f"the client waited for ever: {ran}"
        return ran

    yield start
    for kernel in running:
        kernel.stop()
        kernel.machine.close()
        assert not any(each.thread.is_alive() for each in kernel.sips), "a thread outlived its simulation"


def _system(drivers: pipeline.Generated, name: str, restart: Restart) -> System:
    """A driver that is granted its device, and a client of the first thing that it provides."""
    of = next(each.app for each in drivers.system.instances if each.app.name == name)
    provided = of.provides[0]
    fields = {key: value for key, value in provided.fields.items() if key in ("protocol", "largest", "carries")}
    asked = app(CLIENT, need(provided.capability, provided.name, **fields))
    ports = {name: {"base": base} for name, base in KEYBOARD_PORTS.items()}
    driver: Instance = instance(DRIVER, of, restart=restart, card={"slot": "any", "skip": 0}, log={}, time={}, **ports, keyboard={"isa": 1}, mouse={"isa": 12})
    client = instance(CLIENT, asked, restart=Restart("never"), **{provided.name: {"from": f"{DRIVER}.{provided.name}"}})
    return system(driver, client, wires=(wire(client, provided.name, driver, provided.name),))


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)
