"""What is found, as the images that a plan relies on: planner, apply and recovery compare these and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import attrs

from pgplan.images import MARKER, Image, image
from pgplan.kind import Found
from pgplan.plan.model import Check, Observed
from pgplan.secret import Secret

EXTRA = "extra"
HIDDEN = "hidden"


_PLAIN = frozenset((str, int, bool, float))


@cache
def _attributes(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls)) if attrs.has(cls) else ()


def found_image(value: Any, *said: Any) -> Any:
    """The image of something found, the only one that there is: closed by default.

    `said` are images that know what is harmless there: as declared, as recorded, as relied upon. A `Secret` is shown only where
    one of them has clear text and none has the marker of a secret. Where one has the marker, nothing is shown, whatever is found.
    """
    if value is not None and MARKER in said:
        return dict(MARKER)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Secret):
        silent = said.count(None) == len(said)
        return dict(MARKER) if silent or value.withheld else value.reveal()
    if isinstance(value, (list, tuple)):
        return [found_image(item) for item in cast("Sequence[Any]", value)]
    maps = [cast("Image", one) for one in said if isinstance(one, dict)]
    if isinstance(value, dict):
        return _table_image(cast("Image", value), maps)
    return _table_image({name: getattr(value, name) for name in _attributes(value.__class__)}, maps)


def _table_image(members: Mapping[str, Any], maps: Sequence[Image]) -> Image:
    shown: Image = {}
    for name, item in members.items():
        if item.__class__ in _PLAIN:
            # Most values are plain: one look each, without a call.
            shown[name] = item
            for one in maps:
                if one.get(name) == MARKER:
                    shown[name] = dict(MARKER)
        else:
            shown[name] = found_image(item, *[one.get(name) for one in maps])
    return shown


def relied_image(found: Found, *said: Image | None) -> Image:
    """The spec's image, plus what is not an attribute but what SQL or staleness depends on. `said` is as for `found_image`.

    ``extra`` and ``hidden`` stand there only where there are any. A hidden attribute is None.
    """
    whole: Image = found_image(found.spec, *said)
    if found.extra:
        whole[EXTRA] = image(dict(found.extra))
    if found.hidden:
        whole[HIDDEN] = sorted(found.hidden)
    return whole


def wanted_image(check: Check, before: Observed | None) -> Image:
    """What the steps set, and everything else as it was; only what is said somewhere, since None says nothing."""
    wanted: Image = {}
    if check.untouched and before is not None and before.image is not None:
        wanted = {name: value for name, value in before.image.items() if name not in (EXTRA, HIDDEN)}
    wanted.update(check.image)
    return {name: value for name, value in wanted.items() if value is not None}


def agrees(declared: Any, found: Any) -> bool:
    """Whether a found value is what is declared. A declared secret agrees with any value: its slot decides about that."""
    if declared == MARKER:
        return found is not None
    if isinstance(declared, dict) and isinstance(found, dict):
        one, other = cast("Image", declared), cast("Image", found)
        return one.keys() == other.keys() and all(agrees(value, other[key]) for key, value in one.items())
    return bool(declared == found)
