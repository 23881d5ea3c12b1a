"""`munal explain`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from composer.cli.options import FORMAT, color_option


@click.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--list", "listed", is_flag=True, help="All codes, each with its title.")
@FORMAT
@color_option
def explain(codes: tuple[str, ...], listed: bool, form: str) -> int:
    """Tell what a code like M0303 means. How to get out of it is shown by a bad and a good example."""
    from composer import report_explain
    from composer.explain import codes as known
    from composer.explain import examine, read_page

    if listed:
        report_explain.show_list(known().values(), form)
        return 0
    if not codes:
        raise click.UsageError("name a code, like `munal explain M0303`; `munal explain --list` has all of them")
    pages = [read_page(code) for code in _wanted(codes, list(known()))]
    said = [(page, tuple(d for d in examine(page, page.bad) if d.code == page.code)) for page in pages]
    report_explain.show(said, form)
    return 0


def _wanted(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """The codes that are meant: `m0303`, `0303` and `303` are M0303, too. Raises click.UsageError for one that does not exist."""
    from composer.diagnostics import did_you_mean

    codes = []
    for word in words:
        digits = word.upper().removeprefix("M")
        code = f"M{digits:0>4}" if digits.isdecimal() else word
        if code not in known:
            near = did_you_mean(code, tuple(known))
            raise click.UsageError(f"there is no code `{word}`; {near or '`munal explain --list` has all of them'}")
        codes.append(code)
    return codes
