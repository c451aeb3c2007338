"""One count shared by many computers: each counts the parts of its shard, and a merge reads them in time.

A shard is a folder of finished parts beside the table that is to be. It needs nothing from the others, and a
shard that was killed goes on where it was when the same command is given again, as a cluster does.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twincell.counting.count import Inputs, count, count_parts, prepared
from twincell.counting.options import CountOptions, opened
from twincell.counting.parts import Parts
from twincell.counting.result import CountResult
from twincell.documents import read_json
from twincell.errors import UserError
from twincell.files import fresh_file, write_atomic
from twincell.locks import locked
from twincell.models.base.file import LoadedModel

NAME = "shard.json"


@dataclass(frozen=True)
class Shard:
    """Which share of a count: number `number`, from 1, of `of`."""

    number: int
    of: int

    @classmethod
    def parse(cls, said: str) -> "Shard":
        """From `2/8`.

        Raises:
            UserError: it is written otherwise, or there is no such shard.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", said.strip())
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UserError(f"shard {said!r}: write its number and that of all as 2/8, from 1/8 to 8/8")
        return cls(int(found[1]), int(found[2]))

    def folder(self, out: Path) -> Path:
        """Where this shard of the table `out` is kept."""
        return out.with_name(f"{out.name}.shard-{self.number}-of-{self.of}")

    def holds(self, part: int) -> bool:
        """Whether a part is in this shard; parts are dealt out in turn."""
        return part % self.of == self.number - 1


def count_shard(
    inputs: Inputs,
    model: str | Path | LoadedModel,
    out: str | Path,
    shard: Shard,
    options: CountOptions | None = None,
    progress: bool = True,
) -> tuple[Path, int]:
    """Count one shard of a table.

    Args:
        inputs: all of the count's inputs, the same for every shard.
        model: as for `count`.
        out: the table that is to be; the shard is kept beside it.
        shard: which.
        options: as for `count`; parts that are there already are kept whatever `resume` says.
        progress: show bars on stderr.

    Returns:
        The shard's folder, and how many frames it holds.

    Raises:
        UserError: bad inputs, all at once, before work starts; or another count's parts in the folder.
    """
    asked = options or CountOptions()
    loaded = opened(model, asked)
    folder = shard.folder(fresh_file(out))
    named = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    with prepared(named, loaded, asked, progress) as job, locked(folder):
        parts = Parts(folder, job.frames, job.fingerprint, True, asked.strict, job.diameters)
        told = {
            "shard": [shard.number, shard.of],
            "model": str(loaded.path.absolute()),
            "inputs": [str(path) for path in named],
            "within": str(Path.cwd()),
            "options": asdict(asked),
            "parts": len(parts),
        }
        write_atomic(folder / NAME, json.dumps(told) + "\n")
        mine = [part for part in range(len(parts)) if shard.holds(part)]
        count_parts(parts, [part for part in parts.todo() if shard.holds(part)], job, asked, progress)
    return folder, sum(len(parts.rows(part)) for part in mine)


def merge(shards: Sequence[str | Path], out: str | Path, progress: bool = True) -> CountResult:
    """Join the shards of a count and read each time-lapse as a whole; the shards are kept.

    Args:
        shards: their folders, all of them, in any order.
        out: the table to write, bit for bit what one process would have written.

    Raises:
        UserError: shards of different counts, missing or unfinished ones, or an `out` that is there.
    """
    target = fresh_file(out)
    told = {Path(folder): _read(Path(folder)) for folder in shards}
    _require_whole(told)
    first = next(iter(told.values()))
    gathered = target.with_name(target.name + ".parts")
    if gathered.exists():
        raise UserError(
            f"{gathered}: holds the parts of a count that was stopped; remove it, or name another --out"
        )
    try:
        gathered.mkdir(parents=True)
        for folder in told:
            for part in folder.glob("part-*"):
                shutil.copyfile(part, gathered / part.name)
        shutil.copyfile(next(iter(told)) / "job.json", gathered / "job.json")
        options = CountOptions(**{**first["options"], "resume": True})
        return count(first["inputs"], first["model"], target, options, progress=progress)
    except BaseException:
        shutil.rmtree(gathered, ignore_errors=True)
        raise


def _read(folder: Path) -> dict[str, Any]:
    place = folder / NAME
    if not place.is_file():
        raise UserError(f"{folder}: is no shard of a count ({NAME} is missing); name what --shard wrote")
    told = read_json(place, "count this shard again")
    known = json.loads((folder / "job.json").read_text())
    return {**told, "job": known["job"]}


def _require_whole(told: dict[Path, dict[str, Any]]) -> None:
    first_folder, first = next(iter(told.items()))
    within = first["within"]  # the table names images as the user did, so they are found from there alone
    if within != str(Path.cwd()) and not all(Path(path).is_absolute() for path in first["inputs"]):
        raise UserError(f"{first_folder}: was counted in {within}; merge it in that folder")
    problems = [
        f"{folder}: belongs to another count than {first_folder} (another model, input or option)"
        for folder, own in told.items()
        if (own["job"], own["parts"], own["shard"][1]) != (first["job"], first["parts"], first["shard"][1])
    ]
    if not problems:
        of = first["shard"][1]
        shards = {own["shard"][0]: folder for folder, own in told.items()}
        for number in range(1, of + 1):
            shard = Shard(number, of)
            wanted = [part for part in range(first["parts"]) if shard.holds(part)]
            if number not in shards:
                problems += [f"shard {number} of {of} is not named; add its folder"] if wanted else []
                continue
            done = sum((shards[number] / f"part-{part:06d}.csv").exists() for part in wanted)
            if done < len(wanted):
                problems.append(
                    f"{shards[number]}: {done} of {len(wanted)} parts are counted; give its command again"
                )
    if problems:
        raise UserError(problems)
