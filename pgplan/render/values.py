"""Values of images in one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from pgplan.images import MARKER
from pgplan.render.escape import key, quoted
from pgplan.secret import MASK


def value(data: Any) -> str:
    """A value of an image in one line."""
    if data == MARKER:
        return MASK
    if data is None:
        return "null"
    if isinstance(data, str):
        return quoted(data)
    if isinstance(data, list):
        return "[" + ", ".join(map(value, cast("Sequence[Any]", data))) + "]"
    if isinstance(data, dict):
        items = cast("dict[str, Any]", data)
        return "{" + ", ".join(f"{key(k)} = {value(items[k])}" for k in sorted(items)) + "}"
    return json.dumps(data)
