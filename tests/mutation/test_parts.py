"""What is listed of the kernel's mechanisms is still there to be taken away; `python -m tests.mutation --kernel` does it."""

import pytest

from tests.mutation.parts import Part, parts


@pytest.mark.parametrize("part", list(parts()), ids=lambda part: f"{part.owner}: {part.name}")
def test_a_part_names_a_text_and_a_test_that_exist(part: Part):
    assert part.problem == ""
    assert part.old != part.new
