"""`munal proof` and `munal tighten`: what binaries can do, and what manifests ask for beyond that."""

from __future__ import annotations

import json
import sys

import click

from composer.cli.options import FORMAT, variant_option, variants_option, workspace, workspace_option
from composer.variant import Variant


@click.command()
@variant_option
@click.option("--sites", is_flag=True, help="Show every place in the code, and not only those without proof.")
@click.option("--required", is_flag=True, help="Status 1 unless all is proved, whatever the profile says.")
@FORMAT
@workspace_option
def proof(variant: Variant, sites: bool, required: bool, form: str) -> int:
    """Show what code can make the kernel do. For each instance and operation, whether it is proved."""
    from composer import pipeline, report, report_proof
    from composer.colour import coloured
    from composer.proof import Verdict, prove, worst

    inspected = pipeline.compose(workspace(), variant, pipeline.Stage.INSPECT)
    if report.refused(inspected):
        return report.REFUSED
    system, facts = inspected.value.system, inspected.value.facts
    proofs = prove(system, facts)
    if form == "json":
        click.echo(json.dumps(report_proof.to_data(system.profile, proofs), indent=2))
    else:
        print(report_proof.to_text(system.profile, proofs, sites=sites, color=coloured(sys.stdout)))
    found = worst(each.verdict for each in proofs)
    return report.REFUSED if found is Verdict.REFUSED or (required and found is not Verdict.PROVED) else 0


@click.command()
@variants_option
@click.option("--write", "writing", is_flag=True, help="Change the manifests, and show how.")
@click.option("--check", "checking", is_flag=True, help="Status 1 if there is something to tighten.")
@FORMAT
@workspace_option
def tighten(variants: tuple[Variant, ...], writing: bool, checking: bool, form: str) -> int:
    """Show the smallest manifests that suffice, as a diff. With no profile named, for the apps of all.

    An app's needs lose what its binary never reaches, in all profiles that use it; comments and layout stay.
    """
    from composer import report, report_tighten
    from composer.colour import coloured
    from composer.tighten import tighten_workspace, write

    if writing and checking:
        raise click.UsageError("--check changes nothing: leave out --write, or --check")
    root = workspace()
    found = tighten_workspace(root, variants)
    if report.refused(found):
        return report.REFUSED
    if writing:
        write(root, found.value.changes)
    if form == "json":
        click.echo(json.dumps(report_tighten.to_data(found.value, written=writing), indent=2))
    else:
        print(report_tighten.to_text(found.value, color=coloured(sys.stdout)), end="")
        for words in found.value.left:
            click.echo(words, err=True)
    return report.REFUSED if checking and found.value.changes else 0
