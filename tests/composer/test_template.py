"""Templates are compiled once: by whatever run comes first, for every clone, and anew when what they are made of changes."""

import jinja2
import pytest

from composer import template


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """A folder of templates in place of the composer's, and the names of all that jinja2 compiled."""
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    names = []
    real = jinja2.Environment.compile
    monkeypatch.setattr(jinja2.Environment, "compile", lambda self, source, name=None, *more, **how: names.append(name) or real(self, source, name, *more, **how))
    for clone in ("one", "two"):
        (tmp_path / clone).mkdir()
        (tmp_path / clone / "t.j2").write_text('{{ "a" | twice }}{% if x %}\n{{ x }}\n{% endif %}\n')
    (tmp_path / "filters.py").write_text("one")
    return names


def render(folder, clone="one", twice=lambda text: text * 2):
    template.FOLDER, before = folder / clone, template.FOLDER
    try:
        environment = template.make_environment(str(folder / "filters.py"))
        environment.filters["twice"] = twice
        return environment.get_template("t.j2").render(x="<x>")
    finally:
        template.FOLDER = before


def test_a_template_is_compiled_once_for_all_clones(compiled, tmp_path):
    assert render(tmp_path) == render(tmp_path) == render(tmp_path, "two") == "aa<x>\n"
    assert compiled == ["t.j2"]


def test_another_text_is_compiled_anew(compiled, tmp_path):
    render(tmp_path)
    (tmp_path / "one" / "t.j2").write_text("{{ x }}")
    assert render(tmp_path) == "<x>" and len(compiled) == 2


def test_other_filters_are_compiled_anew(compiled, tmp_path):
    render(tmp_path)
    (tmp_path / "filters.py").write_text("two")
    assert render(tmp_path, twice=lambda text: "b") == "b<x>\n"


def test_what_is_not_given_is_a_fault(compiled, tmp_path):
    (tmp_path / "one" / "t.j2").write_text("{{ y }}")
    with pytest.raises(jinja2.UndefinedError):
        render(tmp_path)
