"""How jinja2 reads the texts in templates/: strictly, without HTML's rules, and compiled once for all runs.

Gets the file that defines a template's filters; gives an environment for them. What jinja2 compiled is kept by content: for the
same template, filters, Python and jinja2 it is the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2

from composer import cache

FOLDER = Path(__file__).resolve().parent / "templates"
CACHE_KIND = "template"


def make_environment(filters_in: str) -> jinja2.Environment:
    """An environment for the templates whose filters the file `filters_in` defines: jinja2 works some out as it compiles."""
    return jinja2.Environment(loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True,
                              lstrip_blocks=True, keep_trailing_newline=True, bytecode_cache=_Compiled(Path(filters_in).read_bytes()))


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates in the composer's cache."""

    def __init__(self, filters: bytes) -> None:
        self._filters = filters

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        kept = cache.read(CACHE_KIND, self._key(bucket))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        cache.store(CACHE_KIND, self._key(bucket), bucket.bytecode_to_string())

    def _key(self, bucket: jinja2.bccache.Bucket) -> str:
        """jinja2's own key has the template's path in it, which differs from clone to clone; its checksum is of the text."""
        return cache.digest(sys.version, jinja2.__version__, self._filters, Path(__file__).read_bytes(), bucket.checksum)
