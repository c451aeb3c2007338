"""Files kept open between two of their images: a few at a time, whatever the number of files."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

from numpy.typing import NDArray

from twincell.io.readers import open_stack
from twincell.io.readers.base import Stack
from twincell.io.recording import Frame

MOST = 4  # files open at a time


class OpenFiles:
    """Opens stacks when they are asked for and closes those used longest ago.

    It may be sent to another process, where it starts with nothing open.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[Path, Stack] = OrderedDict()
        self._lock = threading.RLock()

    def stack(self, path: Path) -> Stack:
        """The open stack of a file.

        Raises:
            UserError: the file cannot be opened.
        """
        with self._lock:
            if path not in self._open:
                self._open[path] = open_stack(path)
            self._open.move_to_end(path)
            while len(self._open) > MOST:
                self._open.popitem(last=False)[1].close()
            return self._open[path]

    def plane(self, path: Path, axes: str, index: dict[str, int]) -> NDArray[Any]:
        """One image of a file, see `Stack.plane`; threads take turns, a file has one place to read at."""
        with self._lock:
            return self.stack(path).plane(axes, index)

    def close(self) -> None:
        """Closes all files; they open again when asked for."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]


class StackFrames(Sequence[Frame]):
    """The frames of one position of a stack, made as they are asked for: nothing grows with their number.

    Args:
        files: opens the file.
        path: the file.
        axes: in use, one letter per dimension.
        index: position, channel and focal plane, 0-based.
        count: frames of time.
        times: when each was taken, s, or empty.
    """

    def __init__(
        self,
        files: OpenFiles,
        path: Path,
        axes: str,
        index: dict[str, int],
        count: int,
        times: Sequence[float | None] = (),
    ) -> None:
        self._files, self._path, self._axes, self._index = files, path, axes, index
        self._count, self._times = count, times

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Frame: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Frame]: ...
    def __getitem__(self, place: int | slice) -> Frame | Sequence[Frame]:
        if isinstance(place, slice):
            return [self[i] for i in range(self._count)[place]]
        t = range(self._count)[place]
        load = partial(self._files.plane, self._path, self._axes, self._index | {"T": t})
        taken = self._times[t] if self._times else None
        return Frame(t + 1, load, f"{self._path.name} frame {t + 1}", taken, self._path)

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(self._count))
