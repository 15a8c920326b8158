"""The command line without a server: usage, help, options anywhere, hints, and ways to end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pgplan.cli.commands import COMMANDS
from tests import inside
from tests.project import PGPLAN, Project, Result, patched

SMALL = '[pgplan]\nname = "small"\n\n[connection]\nurl = "${env.DATABASE_URL}"\n\n[role.small_reader]\n'


def _bare(*arguments: str, **environment: str) -> Result:
    """Without a directory."""
    return Result(*inside.run([PGPLAN, *arguments], {**os.environ, **environment}))


def test_version() -> None:
    done = subprocess.run([PGPLAN, "--version"], check=False, text=True, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "pgplan 0.1.0\n", "")


def test_version_imports_little() -> None:
    done = subprocess.run(
        [PGPLAN, "--version"], check=True, text=True, capture_output=True, env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    )
    for heavy in ("psycopg", "cattrs", "networkx", "questionary", "rich", "tomli", "pgplan_postgres"):
        assert f" {heavy}\n" not in done.stderr


def test_help_lists_every_command() -> None:
    done = _bare()
    assert done.code == 0
    assert _bare("--help").out == _bare("-h").out == done.out
    for command in tuple(COMMANDS):
        assert f"\n  {command} " in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plna"], "Did you mean 'plan'?"),
        (["frobnicate"], "Commands: init, validate, plan"),
        (["plan", "--detailed-exit-code"], "Did you mean '--detailed-exitcode'?"),
        (["plan", "extra"], "unexpected extra argument"),
        (["plan", "--format", "yaml"], "'text', 'json', 'markdown', 'sql'"),
        (["plan", "--var", "hunter2"], "expected NAME=VALUE"),
        (["plan", "--lock-timeout", "soon"], "write it as 30s, 5m or 1h30m"),
        (["plan", "--include-adopted"], "goes with --destroy"),
        (["plan", "--expires", "12h"], "goes with --out"),
        (["plan", "--expires", "tomorrow", "--out", "x"], "such as 12h"),
        (["plan", "-out=plan.bin"], "two dashes: --out="),
        (["apply", "-auto-approve"], "two dashes: --auto-approve"),
        (["plan", "-detailed-exitcode"], "two dashes: --detailed-exitcode"),
        (["plan", "-var", "password=hunter2"], "two dashes: --var"),
        (["plan", "-var=password=hunter2"], "two dashes: --var="),
        (["-chdir=elsewhere", "plan"], "Use -C DIR"),
        (["show", "-json"], "Use --format json"),
        (["apply", "--input=false"], "Use --no-input"),
        (["apply", "-parallelism=4"], "one transaction"),
        (
            ["apply", "no-such-plan.bin"],
            "the plan file no-such-plan.bin does not exist was it downloaded from the job that made it?",
        ),
        (["show", "."], "is not a file"),
        (["plan", "--otu", "x"], "No such option '--otu'. Did you mean '--out'?"),
        (["apply", "-target=role.a"], "two dashes: --target="),
        (["plan", "--destroy", "--replace", "role.a"], "--replace does not go with --destroy"),
        (["import"], "Missing argument"),
        (["state"], "Missing command"),
        (["state", "lsit"], "Did you mean 'list'?"),
        (["init", "--embedded", "--url", "x"], "contradict"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_usage_errors_are_64(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = _bare(*arguments)
    assert done.code == 64, done.err
    assert done.err.startswith("Error: ")
    assert said.lower() in done.err.lower().replace("\n  ", " ")
    assert "hunter2" not in done.err
    assert done.out == ""


@pytest.mark.parametrize("option", ["--frobnicate", "--json-output", "--parallel", "--dry-run", "--refresh-only"])
def test_an_option_that_is_unlike_all_others_gets_no_suggestion(option: str) -> None:
    assert _bare("plan", option).err == f"Error: No such option '{option}'.\n  `pgplan plan --help` lists what there is.\n"


def test_common_options_stand_anywhere(offline: Project) -> None:
    offline.write(SMALL + 'comment = "${var.text}"\n[variables.text]\n[variables.other]\n')
    offline.run("validate", expect=1)
    offline.run("validate", "--var", "text=a", "--var", "other=b")
    offline.run("--var", "text=a", "validate", "--var", "other=b")
    directory = str(offline.directory)
    assert _bare("validate", "-C", directory, "--var", "text=a", "--var", "other=b", DATABASE_URL="x").code == 0


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    done = _bare("-C", str(tmp_path / "absent"), "validate")
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert "absent" in done.err


def test_init_writes_a_project_that_is_valid_and_overwrites_nothing(offline: Project) -> None:
    (offline.directory / ".gitignore").write_text("mine\n")
    result = offline.run("init", "--name", 'my "project"', "--url", "postgresql:///somewhere")
    assert "pgplan.toml" in result.out
    assert ".gitignore already" in result.err
    assert (offline.directory / ".gitignore").read_text() == "mine\n"
    assert "valid" in offline.run("validate").out
    before = (offline.directory / "pgplan.toml").read_bytes()
    again = offline.run("init", "--embedded", expect=1)
    assert "already holds a configuration" in again.err
    assert (offline.directory / "pgplan.toml").read_bytes() == before


def test_init_never_writes_a_password(offline: Project) -> None:
    result = offline.run("init", "--url", "postgresql://me:hunter2@host/db")
    text = (offline.directory / "pgplan.toml").read_text()
    assert "hunter2" not in text + result.all
    assert 'url = "${env.DATABASE_URL}"' in text
    assert ".pgplan/" in (offline.directory / ".gitignore").read_text()


def test_offline_commands_need_no_connection_no_secret_and_no_state(offline: Project) -> None:
    offline.write(
        SMALL + 'password = "${var.secret}"\n[variables.secret]\nsensitive = true\nfrom = { command = ["touch", "ran"] }\n'
    )
    assert offline.run("validate").out == "The configuration is valid: 1 addresses in 1 file.\n"
    assert '"role.small_reader"' in offline.run("graph").out
    assert not (offline.directory / "ran").exists()
    assert not (offline.directory / ".pgplan").exists()


def test_graph_draws_references_for_both_tools(offline: Project) -> None:
    offline.write(SMALL + '[schema."a\\"b"]\nowner = "small_reader"\n[schema.c]\nowner = "outsider"\n')
    dot = offline.run("graph").out
    assert '  "schema.\\"a\\"\\"b\\"" -> "role.small_reader"' in dot
    assert '  "role.outsider" [style = dashed]' in dot
    mermaid = offline.run("graph", "--format", "mermaid").out
    assert mermaid.startswith("graph LR\n")
    assert "#34;a#34;#34;b#34;" in mermaid
    assert "-->" in mermaid


def test_every_mistake_is_shown_in_one_form(offline: Project) -> None:
    offline.write(
        SMALL + 'logn = true\n[schema.a]\nowner = 3\n[[grant]]\nto = "x"\non = { schema = "s" }\nprivileges = ["SELECT"]\n'
    )
    result = offline.run("plan", expect=1)
    errors = [line for line in result.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 3
    assert all(error.startswith("Error: pgplan.toml:") for error in errors)
    assert "role.small_reader: " in errors[0]
    assert result.out == ""


def test_a_name_with_escapes_cannot_act_on_the_terminal(offline: Project) -> None:
    offline.write(SMALL + '[role."\\u001b[2J\\nError: all is well"]\nlogn = true\n')
    result = offline.run("validate", expect=1)
    assert "\x1b" not in result.all
    assert sum(line.startswith("Error:") for line in result.err.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(offline: Project) -> None:
    roles = "".join(f"[role.r{n}]\ncomment = 'x'\n[schema.s{n}]\nowner = 'r{n}'\n" for n in range(5000))
    offline.write(SMALL + roles)
    process = offline.process("graph")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


def test_ctrl_c_is_130(offline: Project) -> None:
    marker = offline.directory / "started"
    offline.write(
        SMALL
        + 'password = "${var.secret}"\n[variables.secret]\nsensitive = true\n'
        + f'from = {{ command = ["sh", "-c", "echo $$ > {marker}; exec sleep 60"] }}\n'
    )
    process = offline.process("plan")
    while not (marker.exists() and marker.read_text().endswith("\n")):
        time.sleep(0.02)
    # A terminal sends it to both.
    process.send_signal(signal.SIGINT)
    with suppress(ProcessLookupError):
        os.kill(int(marker.read_text()), signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Interrupted" in err


@pytest.mark.parametrize("details", [False, True])
def test_what_nobody_foresaw_shows_no_value(offline: Project, details: bool) -> None:
    (offline.directory / "sitecustomize.py").write_text(
        "import pgplan.configuration.load as load\n"
        "def explode(*arguments, **more):\n"
        "    raise KeyError('hun' + 'ter2 postgresql://a:' + 'hun' + 'ter2@b/c')\n"
        "load.load = explode\n"
    )
    offline.write(SMALL)
    result = offline.run("validate", *(["-v"] if details else []), expect=1, environment=patched(offline.directory))
    assert result.err.startswith("Error: unexpected KeyError in ")
    assert "hunter2" not in result.all
    assert "Traceback" not in result.all
    assert ("offline.py" in result.err) == details
