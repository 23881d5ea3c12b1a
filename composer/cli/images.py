"""Commands about finished images and what they are made of: `munal lock`, `inspect`, `verify` and `rebuild`."""

from __future__ import annotations

from pathlib import Path

import click

from composer.cli.options import FORMAT, variants_option, workspace, workspace_option
from composer.variant import Variant

LARGEST = 1 << 30
"""Bytes of a file that is looked at: addresses in a PE file have 32 bits, and no image of ours comes near."""

IMAGE = click.argument("image", metavar="IMAGE", callback=lambda ctx, parameter, value: _image_file(value))


def _image_file(word: str) -> Path:
    """The image that a person names by its file, or by the variant that was built here."""
    from composer.diagnostics import did_you_mean
    from composer.output import FOLDER, image_path

    built = image_path(workspace(), word)
    found = next((path for path in (Path(word), built) if path.is_file()), None)
    if found is not None and found.stat().st_size > LARGEST:
        raise click.UsageError(f"`{word}` is larger than any image")
    if found is not None:
        return found
    if Path(word).exists():
        raise click.UsageError(f"`{word}` is no file")
    names = [path.stem for path in (workspace() / FOLDER).glob("*.efi")]
    near = did_you_mean(Path(word).stem, names) or "name a file, or a variant that `munal build` has made"
    raise click.UsageError(f"there is no image `{word}`; {near}")


@click.command()
@variants_option
@FORMAT
@workspace_option
def lock(variants: tuple[Variant, ...], form: str) -> int:
    """Write down what images are made of, in munal.lock. With no profile named, of all."""
    from composer import locking, pipeline, report_images

    root = workspace()
    return report_images.locked(locking.update(root, variants, pipeline.every_variant(root), pipeline.compose), form)


@click.command(name="inspect")
@IMAGE
@FORMAT
@workspace_option
def inspect_command(image: Path, form: str) -> int:
    """Show what an image holds and may do. IMAGE is a file, or a variant that was built here."""
    from composer import report_images
    from composer.image import read_image

    return report_images.inspected(read_image(image.read_bytes()), form)


@click.command()
@IMAGE
@FORMAT
@workspace_option
def verify(image: Path, form: str) -> int:
    """Check an image and its certificate. Digests, system table and interfaces fit, and no hardware is shared."""
    from composer import output, report_images
    from composer.verify.whole import verify as verify_image

    beside = output.certificate_path(image)
    certificate = beside.read_bytes() if beside.is_file() else None
    return report_images.verified(image, verify_image(image.read_bytes(), certificate, workspace()), form)


@click.command()
@IMAGE
@FORMAT
@workspace_option
def rebuild(image: Path, form: str) -> int:
    """Make an image again and compare. It is made from what it says of its origin; nothing is written."""
    from composer import pipeline, report_images
    from composer import rebuild as again
    from composer.image import read_image

    read = read_image(image.read_bytes())
    if read.value and read.value.origin is None and read.ok:
        raise click.UsageError(f"`{image.name}` does not say what it was made of: it was built before images had a record of that")
    made = read.accepted().then(lambda view: pipeline.linked(workspace(), again.variant_of(view.origin)))
    compared = made.then(lambda other: read_image(other.data)).then(lambda other: again.compared(read.value, other))
    return report_images.rebuilt(image, compared, form)
