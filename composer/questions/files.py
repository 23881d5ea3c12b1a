"""What a question about files means for a grant of them: whether it reaches the path, and what would."""

from __future__ import annotations

from typing import Any

from composer.badge import granted_access
from composer.paths import lies_in
from composer.questions.resources import Resource
from composer.system import Access, Grant
from composer.units import format_size


def reaches(grant: Grant, resource: Resource) -> bool:
    """Whether a grant of files holds the path that is asked about, and allows what is asked."""
    within = bool(grant.value) and (not resource.path or lies_in(resource.path, grant.value["path"]))
    return within and (not resource.access or granted_access(grant).allows(Access(resource.access)))


def enough(grant: Grant, resource: Resource) -> dict[str, Any] | None:
    """What to write for a grant, with what it says already of the rest; None where nobody said which path, or whose."""
    before = grant.value or {}
    provider, path = resource.server or before.get("from"), resource.path or before.get("path")
    if not provider or not path:
        return None
    return {"from": provider, "path": path, **({"quota": format_size(before["quota"])} if "quota" in before else {})}
