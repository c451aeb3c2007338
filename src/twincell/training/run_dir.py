"""A run's folder: what a run is, so that it resumes as the same one."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from twincell.config import Settings
from twincell.documents import read_json, read_yaml
from twincell.errors import UserError
from twincell.faults import FaultError, error
from twincell.files import fresh_dir, write_atomic
from twincell.presets import build_settings

SETTINGS, RUN = "settings.yaml", "run.json"
"""The two files that say what a run is."""
CHECKPOINT = "last.ckpt"
"""The file that a run goes on from."""


POOL = ".pool-"
"""How folders of drawn images begin, which are kept until the run is finished."""


@dataclass(frozen=True)
class RunIdentity:
    """What makes two runs the same besides their settings.

    Attributes:
        manifest: its folder, for people.
        fingerprint: of the manifest, see `Manifest.fingerprint`.
        seed: of all random numbers.
        start: SHA-256 of the weights the run starts from; empty = random weights.
    """

    manifest: str
    fingerprint: str
    seed: int
    start: str = ""


def start_run_dir(out: Path, settings: Settings, identity: RunIdentity) -> None:
    """Makes the folder and writes what the run is, unless that is written already."""
    fresh_dir(out, resume=True)
    if not (out / RUN).exists():
        write_atomic(out / SETTINGS, settings.to_yaml())
        write_atomic(out / RUN, json.dumps(asdict(identity), indent=2) + "\n")


def pool_dir(out: Path, settings: Settings, identity: RunIdentity) -> Path:
    """Where a run keeps what it draws until it is finished, under a name that no other run gives it."""
    told = settings.to_yaml() + json.dumps([identity.fingerprint, identity.seed, identity.start])
    return out / f"{POOL}{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def remove_pools(out: Path) -> None:
    """Remove what was kept for going on: the run is finished."""
    for folder in out.glob(f"{POOL}*"):
        shutil.rmtree(folder, ignore_errors=True)


def check_run_dir(out: Path, settings: Settings, identity: RunIdentity, resume: bool) -> None:
    """Refuses a folder that the run may not write to; writes nothing itself.

    Raises:
        UserError: when the folder holds something and `resume` is off, or holds another run.
    """
    if out.exists():
        fresh_dir(out, resume)
    if not (out / RUN).exists():
        return
    other = _read_identity(out)
    problems = [
        f"{out}: cannot resume, its run has {name} {getattr(other, name) or 'none'!r} and this one "
        f"{getattr(identity, name) or 'none'!r}; give the same one, or another folder with --out"
        for name in ("fingerprint", "seed", "start")
        if getattr(other, name) != getattr(identity, name)
    ]
    problems += [f"{out}: cannot resume, setting {line}" for line in changes(read_settings(out), settings)]
    if problems:
        raise UserError(problems)


def read_settings(run: Path) -> Settings:
    """The settings a run was started with."""
    path = run / SETTINGS
    if not path.is_file():
        raise UserError(f"{run}: is no run folder, it has no {SETTINGS}; name the folder a training wrote to")
    told = read_yaml(path, _what_can_be_saved(run))
    if not isinstance(told, dict):
        raise FaultError(error(path, "holds no settings", _what_can_be_saved(run)))
    return build_settings(told, str(path))


def _read_identity(run: Path) -> RunIdentity:
    path = run / RUN
    told = read_json(path, _what_can_be_saved(run))
    try:
        return TypeAdapter(RunIdentity).validate_python(told)
    except ValidationError as problem:
        what = f"does not say what the run is ({problem.error_count()} values are missing or of another kind)"
        raise FaultError(error(path, what, _what_can_be_saved(run))) from problem


def _what_can_be_saved(run: Path) -> str:
    """The way out where one of the files that say what a run is cannot be read."""
    if all((run / f"model.{suffix}").is_file() for suffix in ("safetensors", "json")):
        return f"the run is finished and its model still counts: `twincell count {run} ...`"
    if (run / CHECKPOINT).is_file():
        return (
            f"its weights in {CHECKPOINT} are not touched by this: remove {RUN} and {SETTINGS}, and --resume "
            "with the same data, preset and seed goes on from there and writes both again"
        )
    return "nothing of it can be gone on with; train into another folder with --out"


def changes(old: Settings, new: Settings) -> list[str]:
    """One line for each value that differs."""
    before, after = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    return [
        f"{key} was {before.get(key)!r} and is {after.get(key)!r} now; leave it, or train into another folder"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(section: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in section.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
