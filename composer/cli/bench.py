"""`munal bench`: what this costs on this machine, beside what a like job costs there."""

from __future__ import annotations

import click

from composer.cli.options import FORMAT

SUBJECTS = ("composer",)


@click.command()
@click.argument("subject", type=click.Choice(SUBJECTS), default="composer")
@click.option("--cold", is_flag=True, help="Also the first build ever, with an empty cache: takes minutes.")
@FORMAT
def bench(subject: str, cold: bool, form: str) -> int:
    """Measure the composer beside other tools. It works on copies of its own workspace."""
    from composer import launch

    return launch.bench(subject, cold=cold, form=form)
