"""`munal check` and `munal build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from composer.cli.options import FORMAT_OF_DIAGNOSTICS, LOCKED, variant_option, variants_option, workspace, workspace_option
from composer.variant import Variant

STAGES = ("load", "model", "resolve", "inspect", "check", "generate", "compile", "link")


@click.command()
@variants_option
@click.option("--until", type=click.Choice(STAGES), help="Print what this stage gives, instead.")
@LOCKED
@FORMAT_OF_DIAGNOSTICS
@workspace_option
def check(variants: tuple[Variant, ...], until: str | None, locked: bool, form: str) -> int:
    """Find everything that is wrong. With no profile named, in all of them."""
    from composer import pipeline, recall, report

    if until:
        return _print_stage(variants or (Variant(),), until, form)
    root = workspace()
    if locked and not variants:
        variants = pipeline.every_variant(root)
    made = [pipeline.compose(root, variant, pipeline.Stage.CHECK, locked=locked) for variant in variants] or [pipeline.check_all(root)]
    return recall.saying(lambda: report.checked(made, form))


@click.command()
@variant_option
@click.option("--keep", is_flag=True, help="Leave glue, system table and wasm beside the image, to read.")
@click.option("--disk", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write a FAT disk image that boots.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write the image here, and its certificate beside it.")
@click.option("--until", type=click.Choice(STAGES), help="Stop after this stage, and print what it gives.")
@LOCKED
@FORMAT_OF_DIAGNOSTICS
@workspace_option
def build(variant: Variant, keep: bool, disk: Path | None, output: Path | None, until: str | None, locked: bool, form: str) -> int:
    """Build the image of a profile."""
    from composer import pipeline, recall, report

    if until:
        return _print_stage((variant,), until, form)
    built = pipeline.compose(workspace(), variant, keep=keep, locked=locked)
    if disk is None and output is None:
        return recall.saying(lambda: report.built(built, form))
    if built.ok:
        _copies(built.value, disk, output)
    return report.built(built, form)


def _print_stage(variants: tuple[Variant, ...], until: str, form: str) -> int:
    from composer import pipeline, report

    if form == "sarif":
        raise click.UsageError("SARIF has no place for what a stage gives: --until goes with `text` and `json`")
    root = workspace()
    results = [pipeline.compose(root, variant, pipeline.Stage(until)) for variant in variants]
    return max([report.stage(result, form, root) for result in results])


def _copies(built: Any, disk: Path | None, output: Path | None) -> None:
    from composer import cache
    from composer.output import certificate_path

    if output is not None:
        cache.write_output(output, built.image.read_bytes())
        cache.write_output(certificate_path(output), built.certificate.read_bytes())
    if disk is not None:
        from composer.fat import write_disk

        write_disk(built.image.read_bytes(), disk)
