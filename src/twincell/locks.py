"""One process at a time in an output folder: a lock file that says who holds it."""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twincell.errors import UserError

NAME = ".twincell.lock"


@contextlib.contextmanager
def locked(folder: str | Path, name: str = NAME, passing: bool = False) -> Iterator[None]:
    """Hold `folder` while the block runs; it is made where it is missing, and removed if it stays empty.

    A lock left by a process of this computer that is gone (killed, power cut) is named on stderr and taken
    over. One of another computer cannot be judged from here and is left alone.

    Args:
        folder: the output folder.
        name: of the lock file in it.
        passing: the folder is of use for this work alone; an older one, too, goes once it is empty.

    Raises:
        UserError: another living process, or another computer, holds the folder; or it is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file, not a folder; name another folder with --out")
    passing = passing or not folder.exists()
    path = folder / name
    me: dict[str, Any] = {"host": socket.gethostname(), "pid": os.getpid(), "start": _started(os.getpid())}
    while not _take(path, me):
        holder = _read(path)
        if holder is None:  # released, or not yet written, in this very moment
            time.sleep(0.01)
            continue
        if not _is_gone(holder, me["host"]):
            raise UserError(
                f"{folder}: process {holder.get('pid')} on {holder.get('host')} is writing here; wait, or "
                f"name another folder (if that computer is off, remove {path})"
            )
        print(
            f"twincell: {folder}: the lock of process {holder.get('pid')}, which is gone, is taken over",
            file=sys.stderr,
        )
        _remove(path, holder)
    try:
        yield
    finally:
        _remove(path, me)
        if passing:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()


def is_lock(path: Path) -> bool:
    """Whether a file is a lock, which is no content of its folder."""
    return path.name.startswith(NAME)


def _take(path: Path, me: dict[str, Any]) -> bool:
    """Make the lock file, whole, unless it is there."""
    mine = path.with_name(f"{path.name}.{me['host'][:40]}.{me['pid']}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            mine.write_text(json.dumps(me))
        except FileNotFoundError:  # whoever held it has just removed the empty folder
            return False
        return _claimed(mine, path)
    finally:
        mine.unlink(missing_ok=True)


def _claimed(mine: Path, path: Path) -> bool:
    """Give a finished lock its name unless that is taken."""
    try:
        os.link(mine, path)
    except FileExistsError:
        return False
    except OSError:  # a drive without links: an empty file reserves the name, then becomes the whole
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        mine.replace(path)
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """Who holds the lock; None where nobody does or the file says nothing yet."""
    try:
        text = path.read_text()
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    with contextlib.suppress(ValueError):
        holder = json.loads(text)
        if isinstance(holder, dict):
            return holder
    return None if age < 5 else {}  # an unreadable one of long ago was cut short by a power cut


def _is_gone(holder: dict[str, Any], host: str) -> bool:
    if not holder:
        return True
    if holder.get("host") != host or not isinstance(holder.get("pid"), int):
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # A number is used again after a while: the process that has it now may have begun later.
    return bool(holder.get("start")) and _started(holder["pid"]) != holder["start"]


def _started(pid: int) -> str:
    """When a process began, in the kernel's own ticks; empty where the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _remove(path: Path, holder: dict[str, Any]) -> None:
    """Remove the lock if `holder` still has it; of several that try, one renames it away."""
    away = path.with_name(f"{path.name}.gone.{os.getpid()}")
    if (_read(path) or {}) != holder:
        return
    with contextlib.suppress(FileNotFoundError):
        path.rename(away)
        if _read(away) not in (holder, None) and holder:  # taken over in between: give it back
            with contextlib.suppress(OSError):
                os.link(away, path)
        away.unlink(missing_ok=True)
