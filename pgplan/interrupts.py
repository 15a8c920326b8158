"""Ctrl-C, or SIGTERM, where it must wait: until the books of a COMMIT are closed, or a process that starts is known."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from attrs import define


@define
class Interrupts:
    """`count` tells how often the user asked to stop."""

    count: int = 0


@contextmanager
def deferred(*, however_often: bool = False) -> Generator[Interrupts]:
    """Hold back the first SIGINT or SIGTERM in the body; a second one raises KeyboardInterrupt at once, for who cannot wait.

    With `however_often` all are held back: only for what takes a moment.

    Does nothing outside the main thread, which signals do not reach, and to a signal that is ignored (a shell's background job).
    """
    seen = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        seen.count += 1
        if seen.count > 1 and not however_often:
            raise KeyboardInterrupt

    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
