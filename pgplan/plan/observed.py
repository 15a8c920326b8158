"""What is found, as the images that a plan relies on: planner, apply and recovery compare these and nothing else."""

from __future__ import annotations

from pgplan.images import Image, image
from pgplan.kind import Found

EXTRA = "extra"
HIDDEN = "hidden"
OWNER = "owner"


def relied_image(found: Found) -> Image:
    """The spec's image, plus what is not an attribute but what SQL or staleness depends on.

    ``extra`` and ``hidden`` stand there only where there are any; ``owner`` is the spec's own attribute, or the owner of an
    object whose spec has none. A hidden attribute is None.
    """
    whole: Image = image(found.spec)
    if found.owner:
        whole.setdefault(OWNER, found.owner)
    if found.extra:
        whole[EXTRA] = image(dict(found.extra))
    if found.hidden:
        whole[HIDDEN] = sorted(found.hidden)
    return whole


def relied_acl(found: Found) -> tuple[Image, ...]:
    """The whole access list, sorted: column, grantee, privilege, grantor, grantable."""
    return tuple(image(privilege) for privilege in sorted(found.acl))
