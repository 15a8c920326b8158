"""What is particular to a state in a local file."""

from __future__ import annotations

import fcntl
import os
import stat
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

import pgplan_backends.local as module
from pgplan import registry
from pgplan.errors import ConfigurationError
from pgplan.state.backend import BackendError
from pgplan_backends.local import LocalBackend
from tests.state.test_backend import kill, start


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_installed_as_the_backend_called_local(tmp_path: Path) -> None:
    assert isinstance(registry.backend("local", {}, tmp_path), LocalBackend)


def test_the_default_path_is_relative_to_the_configuration(tmp_path: Path) -> None:
    LocalBackend({}, tmp_path).write(b"one", None)
    assert (tmp_path / ".pgplan" / "state.json").read_bytes() == b"one"


def test_the_path_may_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "far" / "away" / "s.json"
    backend = LocalBackend({"path": str(elsewhere)}, tmp_path / "configuration")
    backend.write(b"one", None)
    assert elsewhere.read_bytes() == b"one"
    assert backend.location == str(elsewhere)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_may_read_any_of_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        backend = LocalBackend({"path": "a/b/state.json"}, tmp_path)
        backend.lock("ann", 0)
        backend.write(b"one", None)
    finally:
        os.umask(before)
    files = sorted(path for path in (tmp_path / "a" / "b").iterdir())
    assert [path.name for path in files] == ["state.json", "state.json.lock", "state.json.swap"]
    assert {mode(path) for path in files} == {0o600}
    assert {mode(tmp_path / "a"), mode(tmp_path / "a" / "b")} == {0o700}


def test_a_state_that_others_could_read_is_closed_by_the_next_write(tmp_path: Path) -> None:
    backend = LocalBackend({}, tmp_path)
    version = backend.write(b"one", None)
    state = tmp_path / ".pgplan" / "state.json"
    state.chmod(0o644)
    leftover = tmp_path / ".pgplan" / "state.json.tmp"
    leftover.write_bytes(b"of a writer that died")
    leftover.chmod(0o666)
    backend.write(b"two", version)
    assert (state.read_bytes(), mode(state)) == (b"two", 0o600)
    assert not leftover.exists()


def test_reading_and_refusing_make_no_file(tmp_path: Path) -> None:
    LocalBackend({}, tmp_path).read()
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_to_a_state_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state.json").symlink_to(tmp_path / "real" / "state.json")
    LocalBackend({"path": "state.json"}, tmp_path).write(b"one", None)
    assert (tmp_path / "state.json").is_symlink()
    assert (tmp_path / "real" / "state.json").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"paht": "x"}, "no option 'paht'"),
        ({"bucket": "x", "region": "y"}, "no option 'region'"),
        ({"path": ""}, "path must be"),
        ({"path": 3}, "path must be"),
        ({"path": "a\x00b"}, "path must be"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        LocalBackend(options, tmp_path)
    assert all(problem.address == "state" and problem.hint for problem in caught.value.problems)


def test_what_is_no_file_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendError, match="cannot be read: Is a directory"):
        LocalBackend({"path": "directory"}, tmp_path).read()
    with pytest.raises(BackendError, match="cannot be read: Not a directory"):
        LocalBackend({"path": "file/state.json"}, tmp_path).read()
    with pytest.raises(BackendError, match="cannot be written"):
        LocalBackend({"path": "file/state.json"}, tmp_path).write(b"one", None)
    with pytest.raises(BackendError, match="cannot be locked"):
        LocalBackend({"path": "file/state.json"}, tmp_path).lock("ann", 0)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(BackendError, match="cannot be read: Too many levels"):
        LocalBackend({"path": "loop"}, tmp_path).read()


def stop_while_swapping(file: Path, pipe: Connection) -> None:
    """As a writer that is stopped between comparing and swapping leaves it."""
    with file.open("w") as swap:
        fcntl.flock(swap, fcntl.LOCK_EX)
        pipe.send("stopped")
        pipe.recv()


def test_a_writer_that_was_stopped_halfway_is_waited_for_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".pgplan").mkdir()
    process, pipe = start(stop_while_swapping, tmp_path / ".pgplan" / "state.json.swap")
    assert pipe.recv() == "stopped"
    monkeypatch.setattr(module, "SWAP_TIMEOUT", 0.1)
    with pytest.raises(BackendError, match=r"state\.json\.swap") as caught:
        LocalBackend({}, tmp_path).write(b"one", None)
    assert "0.1 s" in str(caught.value)
    kill(process)
    LocalBackend({}, tmp_path).write(b"one", None)
