"""Glue that allows more than the system table: the kernel asks the table all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.guest import started
from composer.interfaces import load_interfaces
from composer.kernel_build import build_kernel
from composer.layout import HandleKind, Layout
from composer.link import link
from composer.pipeline import Stage, compose
from composer.qemu import Machine
from composer.system import System
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

GLUE_ALLOWS, TABLE_GRANTS = 0x2F8, 0x2E8


def granted_elsewhere(system: System) -> System:
    """The system with the prober's ports at another base."""
    prober = system.instance("prober")
    grants = tuple(replace(g, value={"base": TABLE_GRANTS}) if g.need.capability == "port" else g for g in prober.grants)
    instances = tuple(replace(i, grants=grants) if i is prober else i for i in system.instances)
    return replace(system, instances=instances)


def with_a_log_only(layout: Layout, instance: str) -> Layout:
    """The layout in which the first handle of an instance is a log, whatever its glue believes."""
    first, *rest = layout.handles[instance]
    return replace(layout, handles={**layout.handles, instance: (replace(first, kind=HandleKind.LOG, object=0), *rest)})


def test_a_port_and_an_interrupt_that_only_glue_allows_are_refused(workspace, tmp_path):
    compiled = compose(workspace, "probed", Stage.COMPILE).value
    generated = compiled.generated
    assert generated.system.instance("prober").grant("port", "regs").value == {"base": GLUE_ALLOWS}
    image = link(build_kernel().read_bytes(), granted_elsewhere(generated.system), with_a_log_only(generated.layout, "interrupts"), compiled.modules, load_interfaces())
    path = tmp_path / "probed.efi"
    path.write_bytes(image.value.data)
    with started(path, Machine()) as guest:
        listener = Listener(guest)
        listener.expect(rf"prober: was refused to read 8 bits at port {GLUE_ALLOWS:#x}; stays ended")
        listener.expect(r"interrupts: used handle 0, which was not granted for this; stays ended")
        listener.expect("^munal> ")
