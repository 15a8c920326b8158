"""A wire between client and server that can be cut at the moment of COMMIT."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from attrs import define, field

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""The message as it stands on the wire: simple query, length, text."""

Cut = Literal["", "before", "after"]
"""Cut the wire before COMMIT reaches the server, or before its answer reaches the client."""


@define
class Proxy:
    directory: Path
    server: Path
    cut: Cut = ""
    seen: list[str] = field(factory=list[str])

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(str(self.server / ".s.PGSQL.5432"))
                threading.Thread(target=self._requests, args=(client, upstream), daemon=True).start()
                threading.Thread(target=_copy, args=(upstream, client), daemon=True).start()

    def _requests(self, client: socket.socket, upstream: socket.socket) -> None:
        while data := _received(client):
            if data == COMMIT and self.cut:
                self.seen.append(self.cut)
                if self.cut == "after":
                    client.shutdown(socket.SHUT_RDWR)
                    upstream.sendall(data)
                self.cut = ""
                break
            upstream.sendall(data)
        for end in (client, upstream):
            with suppress(OSError):
                end.shutdown(socket.SHUT_WR)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""


def _copy(source: socket.socket, target: socket.socket) -> None:
    while data := _received(source):
        try:
            target.sendall(data)
        except OSError:
            # The client is cut off; the server is let finish.
            continue
    for end in (source, target):
        with suppress(OSError):
            end.close()


@contextmanager
def proxied(directory: Path, server: Path) -> Generator[Proxy]:
    proxy = Proxy(directory, server)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / ".s.PGSQL.5432"))
    listener.listen()
    threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
