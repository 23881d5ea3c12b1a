"""`munal config`."""

from __future__ import annotations

import json

import click

from composer.cli.options import FORMAT, variant_option, workspace, workspace_option
from composer.variant import Variant


@click.command()
@variant_option
@FORMAT
@workspace_option
def config(variant: Variant, form: str) -> int:
    """Print a profile as composed. It holds all that it extends, and where each value is from.

    What is printed is a profile itself: it extends nothing and comes to the same system.
    """
    from composer import config as expanded
    from composer import pipeline, report

    result = pipeline.configuration(workspace(), variant)
    if report.refused(result):
        return report.REFUSED
    made = result.value
    assert made is not None
    click.echo(json.dumps(expanded.to_data(made), indent=2) if form == "json" else expanded.to_toml(made).rstrip("\n"))
    return 0
