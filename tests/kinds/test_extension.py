"""What a new extension may bring, and so may be named beside it."""

from __future__ import annotations

import pytest

from tests.kinds.bench import REGISTRY, one


def _is_there(type_: str, key: str) -> bool:
    return type_ == "schema" and key in ("public", "billing", "tools")


@pytest.mark.parametrize(
    ("schema", "type_", "key", "brings"),
    [
        (None, "foreign_data_wrapper", "postgres_fdw", True),
        (None, "server", "s", True),
        (None, "language", "plpython3u", True),
        (None, "schema", "topology", True),
        (None, "role", "r", False),
        (None, "database", "d", False),
        (None, "tablespace", "t", False),
        (None, "function", "public.f(text)", True),
        (None, "table", "public.t", True),
        (None, "table", "billing.t", False),
        ("tools", "table", "public.t", False),
        ("tools", "type", 'tools."a.b"', True),
        ("tools", "sequence", "not_there_yet.q", True),
        ("a.b", "table", '"a.b".t', True),
    ],
)
def test_what_may_come_with_it(schema: str | None, type_: str, key: str, *, brings: bool) -> None:
    kind = REGISTRY.object_kind("extension")
    block = {} if schema is None else {"schema": schema}
    assert kind.brings(one("extension", "x", **block).spec, type_, key, _is_there) == brings


def test_nothing_else_brings_anything() -> None:
    others = [kind for kind in REGISTRY.object_kinds() if kind.name != "extension"]
    assert not any(kind.brings(None, "schema", "s", _is_there) for kind in others)
