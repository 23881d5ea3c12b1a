"""Commands about finished images and what they are made of: `munal lock`."""

from __future__ import annotations

import click

from composer.cli.options import FORMAT, variants_option, workspace, workspace_option
from composer.variant import Variant


@click.command()
@variants_option
@FORMAT
@workspace_option
def lock(variants: tuple[Variant, ...], form: str) -> int:
    """Write munal.lock: what the images of the profiles named, or of all, are made of."""
    from composer import locking, pipeline, report_images

    root = workspace()
    return report_images.locked(locking.update(root, variants, pipeline.every_variant(root), pipeline.compose), form)
