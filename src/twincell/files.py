"""Writing that never loses or overwrites: temporary name first, then renamed."""

import contextlib
import hashlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twincell.errors import UserError
from twincell.locks import is_lock

BLOCKS, BLOCK = 16, 4096  # looked at by a quick stamp of a file, and bytes of each


def write_atomic(path: str | Path, content: str | bytes) -> Path:
    """Writes `content` so that `path` holds either the old or the whole new content, also after `kill -9`.

    Args:
        path: the file; its folder is made where it is missing.
        content: text (written as UTF-8) or bytes.

    Returns:
        The path written.
    """
    path = Path(path)
    temporary = _temporary(path, content)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def check_outputs(
    outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path] = (), force: bool = False
) -> None:
    """Refuse output files that would take something away, before any work; every verb calls it once.

    Args:
        outputs: files to be written, by the option that names them ({"--report": page}); None = not asked.
        inputs: files the verb reads; none of them may be written, also with `force`.
        force: whether files that exist already may be replaced.

    Raises:
        UserError: one sentence for each output that is an input, the same file as another output, a folder,
            or there already.
    """
    read = {_same_place(path) for path in inputs}
    named: dict[Path, str] = {}
    problems = []
    for option, path in outputs.items():
        if path is None:
            continue
        place = _same_place(path)
        if place in read:
            problems.append(
                f"{option} {path}: is an input of this command and would be lost; name another file"
            )
        elif place in named:
            problems.append(
                f"{option} {path}: is what {named[place]} writes to; give each output its own name"
            )
        elif place.is_dir():
            problems.append(f"{option} {path}: is a folder; name a file in it")
        elif place.exists() and not force:
            problems.append(
                f"{option} {path}: exists already and nothing is overwritten; name another file, or add "
                "--force where the command has it"
            )
        named.setdefault(place, option)
    if problems:
        raise UserError(problems)


def write_new(path: str | Path, content: str | bytes, force: bool = False) -> Path:
    """Write a file that must not be there yet, whole or not at all.

    Unlike a look before the work, this also holds where another program made the file in the meantime: what
    was computed then goes beside it under the next free name, NAME-2.SUFFIX, so that neither is lost.

    Args:
        path: the file; its folder is made where it is missing.
        content: text (written as UTF-8) or bytes.
        force: replace what stands there.

    Returns:
        The path written.
    """
    path = Path(path)
    if force:
        return write_atomic(path, content)
    whole = _temporary(path, content)
    try:
        for place in _free_names(path):
            try:
                _claim(whole, place)
            except FileExistsError:
                continue
            return place
        raise AssertionError("there is always a free name")
    finally:
        whole.unlink(missing_ok=True)


def holds(path: str | Path, content: str) -> bool:
    """Whether a file is there and holds exactly this text, as the functions here write it."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        return Path(path).read_bytes() == _bytes(content)
    return False


def write_kept(path: str | Path, content: str | bytes) -> Path:
    """Write a file that a person may have worked in: what stood there is kept beside, named by the minute.

    The same content again changes nothing. Else the old file becomes NAME.2026-11-21T1640.SUFFIX (-2, -3, ...
    where that is taken), and then `path` holds the new one; a kill in between leaves at least one of each.

    Args:
        path: the file; its folder is made where it is missing.
        content: text (written as UTF-8) or bytes.

    Returns:
        The path written.
    """
    path = Path(path)
    data = _bytes(content)
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        return write_atomic(path, data)
    if before != data:
        kept = path.with_name(f"{path.stem}.{time.strftime('%Y-%m-%dT%H%M')}{path.suffix}")
        write_new(kept, before)
        write_atomic(path, data)
    return path


def fresh_dir(path: str | Path, resume: bool = False) -> Path:
    """The folder, made where it is missing; one that holds files already is refused unless `resume`.

    Raises:
        UserError: when the path is a file, or a folder with content and `resume` is off.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file, not a folder; name another folder with --out")
    if not resume and holds_files(path):
        raise UserError(
            f"{path}: holds files already and nothing is overwritten; name another folder with --out"
        )
    path.mkdir(parents=True, exist_ok=True)
    return path


def holds_files(path: Path) -> bool:
    """Whether a folder is there and has anything in it but locks."""
    return path.is_dir() and not all(is_lock(inside) for inside in path.iterdir())


def fresh_file(path: str | Path) -> Path:
    """The path itself where nothing stands there yet; its folder is made.

    Raises:
        UserError: when the file exists already.
    """
    path = Path(path)
    if path.exists():
        raise UserError(f"{path}: exists already and nothing is overwritten; name another file with --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def sha256(path: str | Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(path: str | Path, whole: bool = False) -> dict[str, int | str]:
    """What tells a file from another that takes its name later: `{size, modified_ns, content}`.

    Args:
        path: the file; of a folder (such as a Zarr store) all files below count.
        whole: hash every byte; else the first, the last and 14 blocks between, which costs the same for any
            size and sees any file that was written anew, though not every flipped byte.
    """
    path = Path(path)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest, size, modified = hashlib.sha256(), 0, 0
    for file in files:
        facts = file.stat()
        size, modified = size + facts.st_size, max(modified, facts.st_mtime_ns)
        digest.update(f"{file.relative_to(path)}:{facts.st_size}:".encode(errors="surrogateescape"))
        with file.open("rb") as data:
            if whole or facts.st_size <= BLOCKS * BLOCK:
                while block := data.read(1 << 20):
                    digest.update(block)
            else:
                for i in range(BLOCKS):
                    data.seek(i * (facts.st_size - BLOCK) // (BLOCKS - 1))
                    digest.update(data.read(BLOCK))
    return {"size": size, "modified_ns": modified, "content": digest.hexdigest()}


def stamps(paths: Iterable[str | Path], whole: bool = False) -> dict[str, Any]:
    """The `stamp` of each file or folder by its name as given; None for one that is not there."""
    return {str(path): stamp(path, whole) if Path(path).exists() else None for path in paths}


def replaced(before: Mapping[str, Any], now: Mapping[str, Any], named: int = 5) -> str:
    """The names of files whose `stamps` differ, were added or are gone; empty where all are the same."""
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    more = f" and {len(names) - named} more" if len(names) > named else ""
    return ", ".join(names[:named]) + more


def _temporary(path: Path, content: str | bytes) -> Path:
    """The content in a file of its own beside `path`, flushed to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder's name may hold bytes that are no text: they are written as \udcXX, and the file stays UTF-8.
    data = _bytes(content)
    # The temporary file lies in the same folder: a rename across file systems is not atomic. Its name is
    # short: with the target's in it, a long one would be longer than a file system allows.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _bytes(content: str | bytes) -> bytes:
    return content.encode(errors="backslashreplace") if isinstance(content, str) else content


def _claim(whole: Path, place: Path) -> None:
    """Give a finished file its name unless that is taken (FileExistsError)."""
    try:
        os.link(whole, place)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network drives have no links: an empty file reserves the name, then becomes the whole.
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        whole.replace(place)


def _free_names(path: Path) -> Iterable[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in itertools.count(2))


def _same_place(path: str | Path) -> Path:
    """The place a path means, links and `..` followed."""
    return Path(os.path.realpath(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
