"""What an import has done so far, kept so that it can go on after an interruption without doing anything
twice.

In the result's hidden folder `.import/`: `plan.json` (what was asked for, of which files), one `NAME.npz` and
`NAME.json` per position that has been looked at, and one `NAME.frames.jsonl` with a line per frame done.
A frame's line is written after its crops, so a line stands for finished work.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from twincell.errors import UserError
from twincell.files import replaced, write_atomic
from twincell.preprocess.chambers.find import Box
from twincell.preprocess.chambers.layout import Layout, Wanted, make_chamber
from twincell.preprocess.frames import FrameResult
from twincell.preprocess.intensity import GreyScale, background
from twincell.preprocess.quality_control import Marks, Usual
from twincell.preprocess.registration.deskew import stand_upright
from twincell.preprocess.registration.reference import restore_reference
from twincell.preprocess.registration.registration import Motion

FOLDER = ".import"


class Journal:
    """The state of one import in its result folder.

    Args:
        out: the result folder.
        plan: all that the result depends on, as JSON values.

    Raises:
        UserError: the folder holds an import of other files or with other settings.
    """

    def __init__(self, out: Path, plan: dict[str, Any]) -> None:
        self.folder = out / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "plan.json"
        plan = json.loads(json.dumps(plan))
        if file.exists():
            before = json.loads(file.read_text())
            if before != plan:
                differ = sorted(k for k in before.keys() | plan.keys() if before.get(k) != plan.get(k))
                names = replaced(before.get("files", {}), plan["files"]) if "files" in differ else ""
                raise UserError(
                    f"{out}: was begun with other {', '.join(differ)}{f' ({names})' if names else ''}; go on "
                    "with the same command and files, or name another folder with --out"
                )
        else:
            write_atomic(file, json.dumps(plan, indent=1))

    # -- the first look ----------------------------------------------------------------------------

    def keep_layout(self, name: str, layout: Layout) -> None:
        """Keeps a position's layout."""
        pictures = io.BytesIO()
        np.savez(pictures, image=layout.reference.image, spread=layout.reference.spread)
        write_atomic(self.folder / f"{name}.npz", pictures.getvalue())
        facts = {
            "angle": layout.reference.angle,
            "edge": layout.edge,
            "samples": list(layout.samples),
            "usual": asdict(layout.usual.marks),
            "ceiling": layout.usual.ceiling if np.isfinite(layout.usual.ceiling) else None,
            "chambers": [{"box": asdict(c.box), "grey": asdict(c.scale)} for c in layout.chambers],
        }
        write_atomic(self.folder / f"{name}.json", json.dumps(facts, indent=1))

    def has_layout(self, name: str) -> bool:
        """Whether a position has been looked at."""
        return (self.folder / f"{name}.json").exists()

    def layout(self, name: str, wanted: Wanted) -> Layout | None:
        """A position's layout, or None where it has not been looked at."""
        if not self.has_layout(name):
            return None
        facts = json.loads((self.folder / f"{name}.json").read_text())
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as pictures:
            image, spread = pictures["image"], pictures["spread"]
        reference = restore_reference(image, spread, facts["angle"])
        upright = stand_upright(image, facts["angle"])
        chambers = []
        for number, c in enumerate(facts["chambers"], 1):
            box = Box(**c["box"] | {"sides": tuple(c["box"]["sides"])})
            chambers.append(
                make_chamber(number, box, upright, reference.walls, wanted, GreyScale(**c["grey"]))
            )
        ceiling = float("inf") if facts["ceiling"] is None else facts["ceiling"]
        usual = Usual(Marks(**facts["usual"]), ceiling)
        light = background(image, spread)
        return Layout(reference, upright, light, chambers, usual, facts["edge"], facts["samples"])

    def keep_failure(self, name: str, reason: str) -> None:
        """Keeps why a position cannot be used."""
        write_atomic(self.folder / f"{name}.failed.txt", reason)

    def failure(self, name: str) -> str | None:
        """Why a position cannot be used, or None."""
        file = self.folder / f"{name}.failed.txt"
        return file.read_text() if file.exists() else None

    # -- frames ------------------------------------------------------------------------------------

    def add(self, name: str, result: FrameResult) -> None:
        """Notes a finished frame."""
        line = {
            "number": result.number,
            "motion": None if result.motion is None else asdict(result.motion),
            "gain": result.gain,
            "focus": result.focus,
            "fault": result.fault,
            "detail": result.detail,
            "flag": result.flag,
            "hidden": list(result.hidden),
            "chambers": sorted(result.crops),
            "lost": {str(k): list(v) for k, v in result.lost.items()},
            "digest": result.digest,
        }
        with (self.folder / f"{name}.frames.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()

    def frames(self, name: str) -> Iterator[dict[str, Any]]:
        """The finished frames in order; a last line cut short by an interruption is removed."""
        file = self.folder / f"{name}.frames.jsonl"
        if not file.exists():
            return
        text = file.read_bytes()
        if not text.endswith(b"\n"):
            write_atomic(file, text[: text.rfind(b"\n") + 1])
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def remove(self) -> None:
        """Clears the state away once the result stands."""
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()


def last_motion(motion: dict[str, Any] | None) -> Motion:
    """A motion as noted."""
    return Motion() if motion is None else Motion(**motion)
