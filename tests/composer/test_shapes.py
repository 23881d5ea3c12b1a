"""What pydantic does beside judging: nothing that takes longer than that."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
JUDGE = """
import sys
from composer.shapes import WorkspaceFile
WorkspaceFile.model_validate({"workspace": {"name": "x", "version": "1", "apps": [], "profiles": []}})
print(sorted(sys.modules))
"""


def test_no_installed_package_is_asked_whether_it_is_a_plugin():
    done = subprocess.run([sys.executable, "-P", "-c", JUDGE], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    assert "'pydantic.main'" in done.stdout and "'importlib.metadata'" not in done.stdout and "'email'" not in done.stdout


def test_pydantics_own_way_to_look_for_plugins_is_still_what_is_stood_in_for():
    """When this fails, the pin has moved: see the top of shapes.py."""
    found = importlib.util.find_spec("pydantic.plugin").submodule_search_locations[0]
    text = Path(found, "_loader.py").read_text()
    assert "def get_plugins() -> Iterable[" in text
    assert "from ._loader import get_plugins" in Path(found, "_schema_validator.py").read_text()
