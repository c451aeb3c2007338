"""A disk that is full: a small real one where this machine lets us mount one, else writes that say so."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096
SIZE = 16 * 2**20  # bytes of the disk


class Disk:
    """A folder whose room can be taken away and given back."""

    def __init__(self, path: Path, mounted: bool, patch: pytest.MonkeyPatch) -> None:
        self.path, self.mounted, self._patch = path, mounted, patch

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self, room: int = 0) -> None:
        """Leave so many pages of 4 KB, no byte more."""
        if not self.mounted:
            self._fail_after(room)
            return
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(PAGE))
        os.truncate(self._filler, max(0, self._filler.stat().st_size // PAGE - room) * PAGE)

    def free(self) -> None:
        """Make room again."""
        self._patch.undo()
        self._filler.unlink(missing_ok=True)

    def _fail_after(self, flushes: int) -> None:
        whole, left = os.fsync, [flushes]

        def full(descriptor: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            whole(descriptor)

        self._patch.setattr(os, "fsync", full)


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """A disk of `SIZE` at a new folder."""
    path.mkdir()
    mounted = mount(path)
    patch = pytest.MonkeyPatch()
    try:
        yield Disk(path, mounted, patch)
    finally:
        patch.undo()
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


def mount(path: Path) -> bool:
    """Whether a disk in memory could be mounted there, which only an administrator may."""
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
