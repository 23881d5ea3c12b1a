"""A picture as plain values, for JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from composer.drawing.picture import Picture


def to_data(picture: Picture) -> dict[str, Any]:
    """Instances, sources and lines; `need` and `provide` are `capability.name`, and a source is named by its key."""
    return {"profile": picture.name, "instances": [asdict(box) for box in picture.boxes], "sources": [asdict(source) for source in picture.sources],
            "lines": [{**asdict(line), "tie": line.tie.value} for line in picture.lines]}


def to_json(picture: Picture) -> str:
    return json.dumps(to_data(picture), indent=2) + "\n"
