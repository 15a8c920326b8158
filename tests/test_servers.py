"""The servers of the tests end with them."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.servers import binaries

ROOT = Path(__file__).parents[1]
SERVE = """
import sys
from tests.servers import Server
print(Server(int(sys.argv[1])).create().directory, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["leaves", "is killed"])
def test_a_server_ends_with_the_process_that_made_it(how: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SERVE, str(max(binaries()))]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        directory = Path(process.stdout.readline().strip())
        with closing(psycopg.connect(f"postgresql://postgres@/postgres?host={directory}", autocommit=True)) as connection:
            connection.execute("SELECT")
            if how == "is killed":
                process.kill()
            else:
                process.communicate("\n", timeout=20)
            deadline = time.monotonic() + 20
            while directory.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not directory.exists()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT")
