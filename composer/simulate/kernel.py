"""The simulated kernel: instances, what joins them, and who is told what when one ends.

One lock, `changed`, stands for the real kernel not being preempted; whoever waits looks again when it is notified.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from composer.interfaces import Interfaces
from composer.layout import Layout
from composer.simulate import acpi
from composer.simulate.devices_pci import Cabinet
from composer.simulate.engine import Finished, Linked
from composer.simulate.exchange import Exchange
from composer.simulate.faults import Plan, Typed
from composer.simulate.machine import Machine
from composer.simulate.objects import Interrupt, Log, Service, Stream
from composer.simulate.sip import Sip, Status
from composer.system import Instance, System
from composer.table import decode

if TYPE_CHECKING:
    import wasmtime

PATIENCE = 5.0
"""Seconds for which the end of a simulation waits for its threads."""


def _movers(interfaces: Interfaces, kind: str) -> frozenset[str]:
    """The primitives of connections that take a parameter of this kind: `bytes` leave the caller, a `buffer` takes what comes."""
    wired = (c for c in interfaces.capabilities.values() if c.wire)
    functions = (f for c in wired for f in (*c.client.values(), *c.server.values()))
    return frozenset(f.raw for f in functions if f.raw and f.moves and any(p.type == kind for p in f.params))


class Kernel:
    """A booted simulation. `apps` are modules by app, `glue` by instance; `table` is its system table's bytes, `plan` what its machine
    has and what goes wrong there."""

    def __init__(self, system: System, layout: Layout, interfaces: Interfaces, machine: Machine, linked: Linked,
                 apps: Mapping[str, wasmtime.Module], glue: Mapping[str, wasmtime.Module], table: bytes, plan: Plan = Plan()) -> None:
        self.system, self.layout, self.interfaces = system, layout, interfaces
        self.machine, self.changed, self.linked = machine, machine.changed, linked
        self.digest, self._table = hashlib.sha256(table).digest(), table
        self.tables = acpi.tables()
        self.log = Log()
        self.senders, self.receivers = _movers(interfaces, "bytes"), _movers(interfaces, "buffer")
        self.streams = [Stream(s.capacity) for s in layout.streams]
        self.services = [Service() for _ in layout.services]
        names = [instance.name for instance in system.instances]
        self._plan, scripts = plan, plan.scripts()
        for instance in system.instances:
            if instance.name in plan.without:
                self._leave_out(instance)
        machine.scripts |= {grant.ports.base: scripts[i.name] for i in system.instances if i.name in scripts for grant in i.grants if grant.ports}
        self.cabinet = Cabinet(layout.devices, names, self.changed.notify_all, machine.clock, plan, scripts)
        self.devices = self.cabinet.devices
        machine.operate = self.operate
        self.exchange = Exchange(layout, [i.bounds.handles for i in system.instances], lambda index: self.sips[index].lives_on)
        self.started = machine.clock.now()
        self.wall = int(machine.wall_clock().timestamp()) * 1_000_000_000
        """The time of day at the start, in nanoseconds since 1970: to a second, as a real-time clock has it."""
        self.over = False
        self.sips = [Sip(self, k, i, apps[i.app.name], glue[i.name]) for k, i in enumerate(system.instances)]

    def _leave_out(self, instance: Instance) -> None:
        """The machine lacks what an instance drives by its place; cards are the cabinet's."""
        for grant in instance.grants:
            if grant.ports:
                self.machine.remove_ports(grant.ports)
            if grant.memory:
                self.machine.remove_memory(grant.memory)
            if grant.need.capability == "framebuffer":
                self.machine.picture = None

    @cached_property
    def table(self) -> dict[str, Any]:
        """The system table, as `composer.table.decode` names it."""
        return decode(self._table)

    def start(self) -> None:
        """Say the banner and start every instance's thread."""
        from composer import __version__

        where = f"profile {self.system.profile}, table {self.digest[:4].hex()}"
        self.log.line(f"munal {__version__}: {self.system.name} {self.system.version}, {where}, simulated")
        self.machine.clock.expect(len(self.sips))
        for each in self._plan.typed:
            self.machine.clock.after(each.at * 1_000_000, partial(self.tell, each))
        for sip in self.sips:
            sip.thread.start()

    def tell(self, typed: Typed) -> None:
        """Something is pressed or moved on the device that an instance drives, where that is there."""
        ports = (grant.ports.base for i in self.system.instances if i.name == typed.instance for grant in i.grants if grant.ports)
        for device in (self.cabinet.of.get(typed.instance), *(self.machine.at_port(port) for port in ports)):
            if device is not None and hasattr(device, "tell"):
                device.tell(typed.events)

    def operate(self, at_display: bool, events: Sequence[tuple[int, int, int]]) -> None:
        """The operator presses keys and moves pointers: of the input devices on PCI, or of the keyboard controller."""
        devices = self.cabinet.cards.values() if at_display else self.machine.at_ports()
        for device in devices:
            if hasattr(device, "tell"):
                device.tell(events)

    def stop(self) -> None:
        """End every thread, those in endless loops too."""
        with self.changed:
            self.over = True
            for sip in self.sips:
                sip.ending = True
            self.changed.notify_all()
        self.linked.linker.engine.increment_epoch()
        deadline = time.monotonic() + PATIENCE
        for sip in self.sips:
            if sip.thread.ident is not None:
                sip.thread.join(max(0.0, deadline - time.monotonic()))
        self.cabinet.close()

    def now(self) -> int:
        """Nanoseconds since the kernel started."""
        return self.machine.clock.now() - self.started

    def say(self, text: str) -> None:
        """A line of the kernel's own log, with the time in front."""
        millis = self.now() // 1_000_000
        self.log.line(f"[{millis // 1000:3}.{millis % 1000:03}] {text}")
        self.changed.notify_all()

    def wait(self, sip: Sip, ready: Callable[[], bool], deadline: int | None = None) -> bool:
        """Block the SIP until `ready`, true, or until `deadline`, in nanoseconds, false. Raises Finished where it is ended."""
        while True:
            self.check_alive(sip)
            if ready():
                return True
            if deadline is not None and deadline <= self.now():
                return False
            sip.blocked = True
            self.sleep(deadline)
            sip.blocked = False

    def sleep(self, until: int | None) -> None:
        """Wait for a change, at most until a moment of `now`; may come back earlier."""
        self.machine.clock.sleep(None if until is None else until + self.started)

    def check_alive(self, sip: Sip) -> None:
        """Raises Finished in a SIP that was ended."""
        if sip.ending or self.machine.ended:
            raise Finished

    def interrupt(self, number: int) -> Interrupt:
        """The line behind an interrupt's handle; a number that no device drives never comes."""
        return self.machine.interrupts.setdefault(number, Interrupt())

    def ended(self, sip: Sip, error: str) -> None:
        """A SIP's life is over: decide what comes next, and tell its peers."""
        sip.decide(error, self.now())
        self._tell_peers(sip)
        if sip.status is Status.WAITING and sip.error:
            self.say(f"{sip.name}: {sip.error}; starts again in {max(0, sip.start_at - self.now()) // 1_000_000} ms")
        elif sip.status is Status.WAITING:
            self.say(f"{sip.name}: ended; starts again")
        elif sip.status is Status.FAILED:
            self.say(f"{sip.name}: {sip.error}; stays ended")
        elif sip.status is Status.STOPPED and not self.over:
            self.say(f"{sip.name}: stopped")
        self.changed.notify_all()

    def control(self, sip: Sip, wanted: str) -> Callable[[], bool]:
        """Begin to start, stop or restart an instance; its thread does the rest. Answers what tells when it is done."""
        ran, begun, over = sip.status is Status.RUNNING, sip.begun, sip.over
        if wanted != "stop":
            sip.tries = 0
        if ran and (wanted != "start" or sip.ending):
            sip.restart_wanted, sip.ending = wanted != "stop", True
            self.linked.linker.engine.increment_epoch()
        elif wanted == "stop":
            sip.status = Status.STOPPED
            self._tell_peers(sip)
        elif not ran:
            sip.status, sip.start_at = Status.WAITING, self.now()
        self.changed.notify_all()

        def done() -> bool:
            ended = not ran or sip.over != over
            begins = sip.status is Status.WAITING and sip.begun == begun
            return {"start": ran or not begins, "stop": ended, "restart": ended and not begins}[wanted]

        return done

    def _tell_peers(self, sip: Sip) -> None:
        errors = self.interfaces.errors
        for description, service in zip(self.layout.services, self.services, strict=True):
            service.forget(sip.index)
            if description.server == sip.index:
                service.server_ended(not sip.lives_on, errors["restarted"], errors["closed"])
        self.exchange.ended(sip.index)
