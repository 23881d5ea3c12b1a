"""`munal bench`: what this costs on this machine, beside what a like job costs there."""

from __future__ import annotations

from pathlib import Path

import click

from composer.cli.options import FORMAT

SUBJECTS = ("composer", "kernel", "devices")
BESIDE_LINUX = SUBJECTS[1:]


@click.command()
@click.argument("subject", type=click.Choice(SUBJECTS), default="composer")
@click.option("--cold", is_flag=True, help="composer: also the first build ever, with an empty cache: takes minutes.")
@click.option("--quick", is_flag=True, help="kernel, devices: few and short samples, to see that all of it runs.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="kernel, devices: tell what changed since a run whose JSON is in FILE.")
@FORMAT
def bench(subject: str, cold: bool, quick: bool, against: Path | None, form: str) -> int:
    """Measure the composer beside other tools, or the kernel or drivers beside Linux's in the same virtual machine.

    It works on copies of its own workspace.
    """
    from composer import launch

    if cold and subject != "composer":
        raise click.UsageError("--cold is for `munal bench composer`")
    if (quick or against) and subject not in BESIDE_LINUX:
        raise click.UsageError("--quick and --against are for `munal bench kernel` and `munal bench devices`")
    words = [*(["--cold"] if cold else []), *(["--quick"] if quick else []), *(["--against", str(against.resolve())] if against else [])]
    return launch.bench(subject, [*words, "--format", form])
