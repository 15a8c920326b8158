"""Files that are there whole or not at all, and that only their owner may read."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def make_directory(path: Path) -> None:
    """Make a directory, its parents too, each readable only by its owner. What exists stays as it is. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    with suppress(FileExistsError):  # another process may be making it too; what is not a directory fails at its first use
        path.mkdir(mode=DIRECTORY_MODE)
    _flush_directory(path.parent)


def replace(path: Path, data: bytes, temporary: Path) -> None:
    """Put `data` in place of `path`, durably: a crash at any moment leaves the old bytes or the new.

    `temporary` is in the same directory, and the caller's alone until this returns. Raises OSError. When it comes from the last
    step, the flush of the directory, the new bytes are in place, but a power failure may still take them back.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, FILE_MODE), "wb") as file:
        try:
            os.fchmod(file.fileno(), FILE_MODE)  # it may be left over from a process that died, with another mode
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _flush_directory(path.parent)


def refuse_foreign_link(path: Path) -> None:
    """Raise OSError where a symbolic link on the way to `path` stands in a directory that others may write to: it may be theirs,
    and lead anywhere."""
    whole = path.absolute()
    for step in (*reversed(whole.parents), whole):
        if step.is_symlink() and step.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            message = "it is reached by a symbolic link in a directory that others may write to"
            raise OSError(errno.ELOOP, message, str(step))


def _flush_directory(path: Path) -> None:
    """Without it, the entry of a renamed file is not on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
