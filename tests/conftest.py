"""What all tests share: the option that renews what fixtures expect."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("munal", deadline=None)
settings.load_profile("munal")
"""How long an example takes depends on what else this computer does."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="write what fixtures say now to their expected.txt, to be read before it is committed")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--bless"))
