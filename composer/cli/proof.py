"""`munal proof` and `munal tighten`: what binaries can do, and what manifests ask for beyond that."""

from __future__ import annotations

import json
import sys

import click

from composer.cli.options import FORMAT, variant_option, workspace, workspace_option
from composer.variant import Variant


@click.command()
@variant_option
@click.option("--sites", is_flag=True, help="Show every place in the code, and not only those without proof.")
@click.option("--required", is_flag=True, help="Status 1 unless all is proved, whatever the profile says.")
@FORMAT
@workspace_option
def proof(variant: Variant, sites: bool, required: bool, form: str) -> int:
    """Show what each instance's code can make the kernel do, and whether that is proved."""
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
        click.echo(report_proof.to_text(system.profile, proofs, sites=sites, color=coloured(sys.stdout)))
    found = worst(each.verdict for each in proofs)
    return report.REFUSED if found is Verdict.REFUSED or (required and found is not Verdict.PROVED) else 0
