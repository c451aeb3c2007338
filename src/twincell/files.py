"""Writing that never loses or overwrites: temporary name first, then renamed."""

import hashlib
import os
import tempfile
from pathlib import Path

from twincell.errors import UserError


def write_atomic(path: str | Path, content: str | bytes) -> Path:
    """Writes `content` so that `path` holds either the old or the whole new content, also after `kill -9`.

    Args:
        path: the file; its folder is made where it is missing.
        content: text (written as UTF-8) or bytes.

    Returns:
        The path written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    # The temporary file lies in the same folder: a rename across file systems is not atomic.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def fresh_dir(path: str | Path, resume: bool = False) -> Path:
    """The folder, made where it is missing; one that holds files already is refused unless `resume`.

    Raises:
        UserError: when the path is a file, or a folder with content and `resume` is off.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file, not a folder; name another folder with --out")
    if not resume and path.is_dir() and any(path.iterdir()):
        raise UserError(
            f"{path}: holds files already and nothing is overwritten; name another folder with --out"
        )
    path.mkdir(parents=True, exist_ok=True)
    return path


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
