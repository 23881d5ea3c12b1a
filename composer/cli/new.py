"""`munal new`."""

from __future__ import annotations

import click

from composer.cli.options import workspace, workspace_option


@click.command()
@click.argument("kind", metavar="driver")
@click.argument("name")
@click.option("--language", type=click.Choice(("rust", "c", "wat")), default="rust", show_default=True, help="What its source is written in.")
@click.option("--pci", "device", default="1234:11e8", show_default=True, metavar="VENDOR:DEVICE",
              help="What it drives, as configuration space names it; QEMU's educational device where nothing is said.")
@workspace_option
def new(kind: str, name: str, language: str, device: str) -> int:
    """Make a driver that checks, simulates and boots at once. It gets a folder NAME and a profile NAME.

    The driver looks whether its device is there, and logs that. docs/drivers.md tells how to go on.
    """
    from composer import report, scaffold
    from composer.diagnostics import did_you_mean

    if kind not in scaffold.KINDS:
        raise click.UsageError(f"`munal new` makes no `{kind}`; {did_you_mean(kind, scaffold.KINDS) or 'it makes a `driver`'}")
    try:
        made = scaffold.plan(workspace(), scaffold.Wanted(name, language, device))
    except scaffold.Unfit as problem:
        raise click.UsageError(str(problem)) from problem
    if made.value is None:
        report.refused(made)
        return report.REFUSED
    scaffold.write(workspace(), made.value)
    for path in made.value.files:
        click.echo(path)
    click.echo(f"`munal run {name}` boots it, and `log {name}` shows there what it says", err=True)
    return 0
