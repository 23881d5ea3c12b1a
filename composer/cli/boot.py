"""`munal run`, `munal simulate` and `munal test`."""

from __future__ import annotations

from pathlib import Path

import click

from composer.cli.options import LOCKED, TIMEOUT, Memory, variant_option, workspace, workspace_option
from composer.variant import Variant


WITHOUT = click.option("--without", multiple=True, metavar="INSTANCE", help="Leave out the device that this instance drives.")


@click.command(name="run")
@variant_option
@click.option("--headless", is_flag=True, help="No window, whatever the display.")
@TIMEOUT
@click.option("--accel", type=click.Choice(("auto", "kvm", "tcg")), default="auto", help="Hardware virtualization, or software emulation.")
@click.option("--firmware", is_flag=True, help="Show what the firmware says, too.")
@click.option("--memory", "memory_mib", type=Memory(), default="512 MiB", show_default=True, metavar="SIZE", help='The machine\'s memory, as in "2 GiB".')
@click.option("--gdb", type=click.IntRange(1, 65535), is_flag=False, flag_value=1234, metavar="[PORT]",
              help="Wait for gdb at this TCP port of this computer, 1234 where none is given.")
@WITHOUT
@click.option("--disks", type=click.Path(file_okay=False, path_type=Path), metavar="DIRECTORY",
              help="Where the machine's disks are kept, one for each driver of one; build/disks where none is said.")
@LOCKED
@workspace_option
def run_command(variant: Variant, headless: bool, timeout: float | None, accel: str, firmware: bool, memory_mib: int, gdb: int | None,
                without: tuple[str, ...], disks: Path | None, locked: bool) -> int:
    """Boot a profile in QEMU. Its serial line is on this terminal; Ctrl-A X leaves."""
    from composer import launch

    return launch.run(workspace(), variant, headless=headless, timeout=timeout, accel=accel, firmware=firmware, memory_mib=memory_mib, locked=locked,
                      gdb=gdb, without=without, disks=disks)


@click.command()
@variant_option
@TIMEOUT
@click.option("--faults", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="A script of what goes wrong with which device.")
@WITHOUT
@click.option("--disks", type=click.Path(file_okay=False, path_type=Path), metavar="DIRECTORY",
              help="Where the machine's disks are kept, one for each driver of one; forgotten at the end where none is said.")
@LOCKED
@workspace_option
def simulate(variant: Variant, timeout: float | None, faults: Path | None, without: tuple[str, ...], disks: Path | None, locked: bool) -> int:
    """Run a profile here, with simulated devices. No QEMU and no kernel take part."""
    from composer import launch

    return launch.simulate(workspace(), variant, timeout=timeout, locked=locked, faults=faults, without=without, disks=disks)


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> int:
    """Run Munal's own tests; ARGUMENTS go to pytest."""
    from composer import launch

    return launch.test(arguments)
