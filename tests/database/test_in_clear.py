"""Whether secrets would cross a network without encryption."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pgplan.database.connection import Session, pin_local
from pgplan.database.transport import crosses_in_clear, warnings
from tests.database.conftest import Connect


def _answer(row: dict[str, bool]) -> Callable[[str], SimpleNamespace]:
    def execute(query: str) -> SimpleNamespace:
        assert query
        return SimpleNamespace(fetchone=lambda: row)

    return execute


def _session(address: str, *, tls: bool = False, gssapi: bool = False) -> Session:
    row = {"encrypted": gssapi}
    made: Any = SimpleNamespace(
        info=SimpleNamespace(hostaddr=address), pgconn=SimpleNamespace(ssl_in_use=tls), execute=_answer(row)
    )
    return cast("Session", made)


@pytest.mark.parametrize(
    ("session", "in_clear"),
    [
        (_session("10.0.0.7"), True),
        (_session("2001:db8::1"), True),
        (_session("fe80::1%eth0"), True),
        (_session("10.0.0.7", tls=True), False),
        (_session("10.0.0.7", gssapi=True), False),
        (_session("127.0.0.1"), False),
        (_session("::1"), False),
        (_session(""), False),
    ],
)
def test_by_address_and_encryption(session: Session, in_clear: bool) -> None:
    assert crosses_in_clear(session) is in_clear


def test_a_socket_is_no_network_and_the_server_can_tell(session: Connect, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = session(database)
    pin_local(opened)
    assert not any("not encrypted" in text for text in warnings(opened, ["CREATE USER MAPPING"]))
    monkeypatch.setattr(type(opened.info), "hostaddr", "10.0.0.7")
    assert any("is not encrypted, and secrets cross the network" in text for text in warnings(opened, ["CREATE USER MAPPING"]))
    opened.rollback()
