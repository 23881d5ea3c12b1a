"""What audit says of a simulated system: the kernel's CBOR maps, and its words for grants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cbor2

from composer import __version__, grant_words

if TYPE_CHECKING:
    from composer.simulate.kernel import Kernel
    from composer.simulate.sip import Sip


def system(kernel: Kernel) -> bytes:
    """The map of `audit.system`; memory and idle time are this computer's and this process's. There is no kernel's heap."""
    uptime, used = kernel.now(), sum(sip.cpu for sip in kernel.sips)
    page = os.sysconf("SC_PAGE_SIZE")
    return cbor2.dumps({
        "name": kernel.system.name, "version": kernel.system.version, "profile": kernel.system.profile, "digest": kernel.digest,
        "uptime": uptime, "memory_total": page * os.sysconf("SC_PHYS_PAGES"), "memory_free": page * os.sysconf("SC_AVPHYS_PAGES"),
        "memory_heap": 0, "memories": sum(sip.life is not None for sip in kernel.sips),
        "instances": len(kernel.sips), "idle": max(0, uptime - used), "cpu": used, "kernel_cpu": 0,
        "kernel": __version__, "clock": "the monotonic clock of this computer", "clock_ppm": 0, "entropy": "this computer's", "entropy_seeds": 1, "boot": {},
    })


def instance(sip: Sip) -> bytes:
    """The map of `audit.instance`. This computer schedules: switches, wake-ups and time throttled are not counted, nor is memory that
    the runtime refused."""
    instance, running = sip.instance, sip.word not in ("restarting", "ended", "failed", "stopped")
    told = {
        "name": sip.name, "app": sip.instance.app.name, "kind": sip.instance.app.kind.value, "state": sip.word, "cpu": sip.cpu,
        "memory": sip.memory, "memory_peak": sip.memory_peak, "memory_limit": sip.instance.memory, "restarts": sip.restarts,
        "error": sip.error, "errors": {name: sip.errors[name] for name in sip.kernel.interfaces.errors if sip.errors[name]},
        "memory_refused": 0, "log_dropped": sip.log.dropped, "priority": instance.bounds.priority.value, "share": instance.cpu_permille,
        "period": 1_000_000 * instance.bounds.period_ms, "throttled": 0, "wakeups": 0, "switches": 0, "sent": sip.sent, "received": sip.received,
        "handles": len(list(sip.kernel.exchange.handles[sip.index].values())), "handles_limit": instance.bounds.handles, "up": sip.kernel.now() - sip.began if running else 0,
    }
    if sip.word == "restarting":
        told["starts_in"] = max(0, sip.start_at - sip.kernel.now())
    return cbor2.dumps(told)


def status(sip: Sip) -> bytes:
    """The map of `control.status`."""
    told = {"state": sip.word, "over": sip.over, "end": sip.end, "error": sip.error}
    if sip.word == "restarting":
        told["starts_in"] = max(0, sip.start_at - sip.kernel.now())
    return cbor2.dumps(told)


def grants(kernel: Kernel, sip: Sip) -> str:
    """What an instance may do, one grant a line, as the kernel words it."""
    return "".join(f"{line}\n" for line in grant_words.grants(kernel.table, kernel.table["instances"][sip.index]))
