"""What audit says of a simulated system: the kernel's CBOR maps, and its words for grants (kernel/logic/src/words.rs)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cbor2

from composer.layout import Handle, HandleKind
from composer.system import Access, Grant

if TYPE_CHECKING:
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip

UNITS = ((30, "GiB"), (20, "MiB"), (10, "KiB"))
ACCESS_WORDS = {1: "read", 2: "write", 3: "read and write"}
POLICY_WORDS = {"on-failure": "on failure", "always": "always"}


def system(kernel: Kernel) -> bytes:
    """The map of `audit.system`; memory and idle time are this computer's and this process's."""
    uptime, used = kernel.now(), sum(sip.cpu for sip in kernel.sips)
    page = os.sysconf("SC_PAGE_SIZE")
    return cbor2.dumps({
        "name": kernel.system.name, "version": kernel.system.version, "profile": kernel.system.profile, "digest": kernel.digest,
        "uptime": uptime, "memory_total": page * os.sysconf("SC_PHYS_PAGES"), "memory_free": page * os.sysconf("SC_AVPHYS_PAGES"),
        "instances": len(kernel.sips), "idle": max(0, uptime - used),
    })


def instance(sip: Sip) -> bytes:
    """The map of `audit.instance`."""
    return cbor2.dumps({
        "name": sip.name, "app": sip.instance.app.name, "kind": sip.instance.app.kind.value, "state": sip.word, "cpu": sip.cpu,
        "memory": sip.memory, "memory_peak": sip.memory_peak, "memory_limit": sip.instance.memory, "restarts": sip.restarts,
        "error": sip.error,
    })


def grants(kernel: Kernel, sip: Sip) -> str:
    """What an instance may do, one grant a line, as the kernel words it."""
    lines = [_window(grant) for grant in sip.instance.grants if grant.ports]
    lines += [_window(grant) for grant in sip.instance.grants if grant.memory]
    lines += [f"{_capability(handle)} {handle.name}: {_handle(kernel, handle)}" for handle in sip.handles]
    lines += [f"memory: at most {_size(sip.instance.memory)}", f"cpu: at most {sip.instance.cpu_permille / 10:g} %", _restart(sip)]
    return "".join(f"{line}\n" for line in lines)


def _window(grant: Grant) -> str:
    fields = grant.need.fields
    widths = " and ".join(str(w) for w in sorted(set(fields["widths"])))
    return f"{grant.need.capability} {grant.need.name}: {grant.window}, {ACCESS_WORDS[Access(fields['access']).bits]}, {widths} bits"


def _capability(handle: Handle) -> str:
    """The word before the name: the module's, of which a server's end is one too."""
    return handle.module.removeprefix("munal:").split("/")[0].removesuffix("-server")


def _handle(kernel: Kernel, handle: Handle) -> str:
    layout, instances = kernel.layout, kernel.system.instances
    rights = ACCESS_WORDS.get(handle.rights, "neither read nor write")
    if handle.kind is HandleKind.STREAM_CLIENT:
        return f"{rights} {layout.streams[handle.object].name}"
    if handle.kind is HandleKind.STREAM_SERVER:
        return f"serves {instances[layout.streams[handle.object].client].name}, {rights}"
    if handle.kind is HandleKind.SERVICE_CLIENT:
        return f"asks {layout.services[handle.object].name}"
    if handle.kind is HandleKind.CONTROL:
        every = len(handle.instances) == len(instances)
        return "all instances" if every else ", ".join(instances[k].name for k in handle.instances)
    return {
        HandleKind.IRQ_ISA: f"ISA {handle.object}",
        HandleKind.IRQ_GLOBAL: f"global system interrupt {handle.object}",
        HandleKind.SERVICE_SERVER: "answers",
        HandleKind.LOG: "write",
        HandleKind.CLOCK: "read, sleep",
        HandleKind.AUDIT: "read",
        HandleKind.ACPI: "read",
        HandleKind.KERNEL_LOG: "read kernel.log",
    }[handle.kind]


def _restart(sip: Sip) -> str:
    restart = sip.instance.restart
    if restart.policy == "never":
        return "restart: never"
    return f"restart: {POLICY_WORDS[restart.policy]}, at most {restart.limit} times, after {restart.backoff_ms} ms"


def _size(size: int) -> str:
    """A size in the largest binary unit that divides it."""
    unit = next(((size >> shift, word) for shift, word in UNITS if size >= 1 << shift and size % (1 << shift) == 0), (size, "bytes"))
    return f"{unit[0]} {unit[1]}"
