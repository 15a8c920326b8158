"""The saved plan: the same bytes for the same plan, private, whole or not there, and refused after any accident."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pgplan import __version__, planfile
from pgplan.errors import Exit, PgplanError, StaleError
from pgplan.images import canonical, image
from pgplan.planfile import Manifest
from tests.planfile.plans import EXPIRES, REMARKS, plan

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
FILES = [("b.pgplan.toml", "bb" * 32), ("pgplan.toml", "aa" * 32)]
VARIABLES = [("region", "cc" * 32)]
GOLDEN = Path(__file__).parent / "golden" / "2-plan.json"


def about(changes: int = 2) -> Manifest:
    return planfile.manifest(plan(changes), REMARKS, FILES, NOW, VARIABLES)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "plan.bin"
    planfile.write(path, plan(), about())
    return path


def refused(path: Path) -> str:
    with pytest.raises(StaleError) as caught:
        planfile.read(path)
    assert caught.value.exit_code == Exit.STALE
    assert str(path) in str(caught.value)
    assert caught.value.problems[0].hint
    return str(caught.value)


def test_a_plan_comes_back_as_it_was_saved(saved: Path) -> None:
    read, manifest = planfile.read(saved)
    assert read == plan()
    digest = planfile.digest(plan())
    assert manifest == Manifest(__version__, "2026-01-02T03:04:05+00:00", tuple(FILES), tuple(VARIABLES), digest, REMARKS)


def test_a_golden_plan_is_read_and_written() -> None:
    """As some version wrote it. Never change the file of a released format."""
    body = canonical(image(plan()))
    if "PGPLAN_GOLDEN" in os.environ:
        GOLDEN.write_bytes(body)
    assert GOLDEN.read_bytes() == body


def test_a_golden_plan_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.bin"
    path.write_bytes(planfile.pack(canonical(image(about())), GOLDEN.read_bytes()))
    assert planfile.read(path) == (plan(), about())


def test_any_zip_program_can_open_it(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "plan.json"]
        body = archive.read("plan.json")
    assert planfile.digest(plan()) == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_only_the_owner_may_read_it_and_nothing_else_is_left(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert list(saved.parent.iterdir()) == [saved]


def test_it_replaces_an_older_plan_and_closes_it(saved: Path) -> None:
    saved.chmod(0o644)
    digest = planfile.write(saved, plan(3), about(3))
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert planfile.read(saved)[1].digest == digest == planfile.digest(plan(3))


def test_the_bytes_are_the_same_every_time(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.bin"
    planfile.write(again, plan(), planfile.manifest(plan(), REMARKS, reversed(FILES), NOW, VARIABLES))
    assert again.read_bytes() == saved.read_bytes()


def test_the_digest_is_the_same_in_every_process() -> None:
    code = "from tests.planfile.plans import plan; from pgplan.planfile import digest; print(digest(plan()))"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"), ("4242", "America/Lima"))
    }
    assert digests == {planfile.digest(plan())}


def test_every_flipped_bit_of_every_byte_is_found(saved: Path) -> None:
    """Not even the parts of a zip that programs ignore may differ."""
    whole = saved.read_bytes()
    for position in range(len(whole)):
        for mask in (1 << position % 8, 0xFF):
            data = bytearray(whole)
            data[position] ^= mask
            saved.write_bytes(data)
            refused(saved)


def test_every_truncation_and_addition_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(len(whole)):
        saved.write_bytes(whole[:length])
        refused(saved)
    for data in (whole + b"\x00", b"\x00" + whole, whole + whole, whole[:100] + b"\x00" + whole[100:]):
        saved.write_bytes(data)
        refused(saved)


@pytest.mark.parametrize("content", [b"", b"PK", b"[pgplan]\nname = 'x'\n", b"PK\x03\x04" + b"\xff" * 200, b"\x00" * 10_000])
def test_what_is_no_plan_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.bin"
    path.write_bytes(content)
    refused(path)


def test_a_file_that_is_not_there_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(PgplanError, match="No such file") as caught:
        planfile.read(tmp_path / "plan.bin")
    assert caught.value.exit_code == Exit.ERROR


def test_packed_again_by_another_program_it_is_refused(saved: Path) -> None:
    """Compressed, it could be a bomb; with another member, or its own twice, it could show one plan and hold another."""
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    refused(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for name, data in {**members, "extra.json": b"{}"}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    refused(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        for name, data in reversed(members.items()):
            archive.writestr(zipfile.ZipInfo(name), data)
    refused(saved)


def edit(path: Path, *, about: Callable[[Any], None] = lambda _: None, body: Callable[[Any], None] = lambda _: None) -> None:
    """Edit a plan file on purpose, so that every hash and checksum in it fits."""
    with zipfile.ZipFile(path) as archive:
        manifest, planned = (json.loads(archive.read(name)) for name in archive.namelist())
    body(planned)
    manifest["digest"] = f"sha256:{hashlib.sha256(canonical(planned)).hexdigest()}"
    about(manifest)
    path.write_bytes(planfile.pack(canonical(manifest), canonical(planned)))


def test_an_edit_on_purpose_reads_but_has_another_digest(saved: Path) -> None:
    edit(saved, body=lambda planned: planned["decided"]["phases"][0]["steps"][0]["statements"][1].update(sql="SELECT 2"))
    read, manifest = planfile.read(saved)
    assert read.steps[0].statements[1].sql == "SELECT 2"
    with pytest.raises(StaleError, match="not the expected one"):
        planfile.check_digest(manifest.digest, planfile.digest(plan()))


EDITS: list[tuple[str, Any, str]] = [
    ("decided.changes", {}, "expected an array, found an object @ $.decided.changes"),
    ("decided.options.destroy", "no", "expected a boolean, found a string @ $.decided.options.destroy"),
    ("decided.changes.0.action", "destroy everything", "@ $.decided.changes[0].action"),
    ("decided.extra", 1, "unknown key 'extra'"),
    ("decided.slots.0.source", 5, "@ $.decided.slots[0].source"),
    ("decided.expires", "soon", "cannot expire at 'soon'"),
    ("decided.expires", "2026-01-02T04:04:05", "cannot expire"),
    ("observed.databases", [], "names no database"),
    ("observed.databases.0.1", "16384", "expected an integer, found a string"),
    ("observed.objects.0.acl.0.grantor", None, "the access list of role.user_000000: expected a string, found null"),
    ("observed.objects.0.acl.0.by", "x", "the access list of role.user_000000: unknown key 'by'"),
    ("format", 1, "made by an unreleased version"),
    ("format", 3, "has format 3"),
    ("format", "2", "no format number"),
    ("format", True, "no format number"),
]


@pytest.mark.parametrize(("key", "value", "said"), EDITS)
def test_a_plan_that_does_not_decode_is_refused(saved: Path, key: str, value: Any, said: str) -> None:
    edit(saved, body=lambda planned: put(planned, key, value))
    assert said in refused(saved)


def put(document: Any, key: str, value: Any) -> None:
    *path, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    for part in path:
        document = document[part]
    document[last] = value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", 3, "pgplan " + __version__ + " knows 2"),
        ("format", 1, "made by an unreleased version"),
        ("digest", "sha256:" + "0" * 64, "digest"),
        ("remarks", {"notes": [None]}, "expected a string, found null @ $.remarks.notes[0]"),
        ("files", [["a"]], "expected 2 values"),
        ("signature", "x", "unknown key 'signature'"),
    ],
)
def test_a_manifest_that_does_not_decode_is_refused(saved: Path, key: str, value: Any, said: str) -> None:
    edit(saved, about=lambda manifest: manifest.update({key: value}))
    assert said in refused(saved)


REWRITES: dict[str, Callable[[bytes], bytes]] = {
    "twice": lambda body: body.replace(b'"oid":16400', b'"oid":16400,"oid":16400'),
    "blank": lambda body: body.replace(b'"oid":16400', b'"oid": 16400'),
    "default left out": lambda body: body.replace(b'"gone":false,', b"", 1),
    "escape": lambda body: body.replace("Ü".encode(), b"\\u00dc"),
    "surrogate": lambda body: body.replace("Ü".encode(), b"\\ud800"),
    "nan": lambda body: body.replace(b'"oid":16400', b'"oid":NaN'),
    "huge": lambda body: body.replace(b'"oid":16400', b'"oid":' + b"1" * 5000),
    "deep": lambda body: body.replace(b'"before":{', b'"before":{"a":' + b"[" * 5000 + b"]" * 5000 + b",", 1),
    "deep and blank": lambda body: (
        body.replace(b'"before":{', b'"before":{"a":' + b"[" * 400 + b"]" * 400 + b",", 1)[:-1] + b" }"
    ),
    "line feed": lambda body: body + b"\n",
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_a_plan_not_written_in_the_one_way_is_refused(saved: Path, rewrite: Callable[[bytes], bytes]) -> None:
    """Whatever a reader of the JSON could take differently from pgplan: the digest alone would fit."""
    body = canonical(image(plan()))
    other = rewrite(body)
    assert other != body
    fitting = evolve(about(), digest=f"sha256:{hashlib.sha256(other).hexdigest()}")
    saved.write_bytes(planfile.pack(canonical(image(fitting)), other))
    refused(saved)


def test_a_plan_expires_only_if_it_says_so(saved: Path) -> None:
    assert planfile.expiry(NOW, timedelta(hours=1)) == EXPIRES
    read, _ = planfile.read(saved)
    planfile.check_expiry(read, NOW + timedelta(minutes=59))
    with pytest.raises(StaleError, match="expired at 2026-01-02T04:04:05"):
        planfile.check_expiry(read, NOW + timedelta(hours=1))
    planfile.check_expiry(plan(expires=None), NOW + timedelta(days=10_000))


def test_a_longer_life_is_another_plan() -> None:
    assert planfile.digest(plan()) != planfile.digest(plan(expires="2026-01-02T04:04:06+00:00"))


def test_the_expected_digest_is_compared_whole() -> None:
    digest = planfile.digest(plan())
    planfile.check_digest(digest, digest)
    with pytest.raises(StaleError, match="not the expected one") as caught:
        planfile.check_digest(digest, "sha256:" + "0" * 64)
    assert digest in str(caught.value)
    for wrong in (digest[:20], digest.removeprefix("sha256:"), digest.upper(), digest + "\n", ""):
        with pytest.raises(PgplanError, match="is not the digest of a plan") as usage:
            planfile.check_digest(digest, wrong)
        assert usage.value.exit_code == Exit.USAGE


def test_durations() -> None:
    found = [planfile.duration(text) for text in ("90m", "12h", "7d", "2w")]
    assert found == [timedelta(minutes=90), timedelta(hours=12), timedelta(days=7), timedelta(weeks=2)]
    for wrong in ("", "7", "d", "0d", "-1d", "1.5h", "7 d", "7D", "1d2h", "99999999w"):
        with pytest.raises(ValueError, match="not a duration"):
            planfile.duration(wrong)


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "no" / "plan.bin", "No such file"),
    ):
        with pytest.raises(PgplanError, match=said):
            planfile.write(path, plan(), about())
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_failed_write_leaves_the_old_plan(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PgplanError, match="cannot be written: No space left"):
        planfile.write(saved, plan(3), about(3))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
