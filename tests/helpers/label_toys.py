"""Small data sets to be counted on the page, a model's word made up, and the page's server in a thread."""

import http.client
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uvicorn

from twincell.data.manifest import Manifest
from twincell.files import write_atomic
from twincell.io.encode import png
from twincell.label.server.guard import Door
from twincell.label.server.routes import app
from twincell.label.server.serve import _listening
from twincell.label.setup import Asked
from twincell.label.workplace import Workplace

SIDE = 48


def centres(chamber: int, frame: int) -> list[tuple[float, float]]:
    """Where the drawn cells of a frame are: one more every third frame."""
    return [(8.0 + 9 * (k % 4), 10.0 + 12 * (k // 4) + chamber) for k in range(1 + frame // 3)]


def draw(cells: list[tuple[float, float]], side: int = SIDE, radius: float = 3.0) -> np.ndarray:
    """(side, side) uint8: dark discs on grey."""
    ys, xs = np.mgrid[0:side, 0:side] + 0.5
    image = np.full((side, side), 150.0)
    for x, y in cells:
        away = np.hypot(xs - x, ys - y)
        image[away < radius] = 90
        image[(away >= radius) & (away < radius + 1.2)] = 30
    return image.astype(np.uint8)


def write_cells(root: Path, chambers: int = 3, frames: int = 12, alone: int = 0) -> Path:
    """A manifest of drawn chambers, none counted; `alone` further images stand for themselves."""
    rows: list[dict[str, Any]] = []
    common = {"count": math.nan, "split": "train", "modality": "bf", "origin": "natural"}
    for chamber in range(chambers):
        for frame in range(frames):
            image = f"ch{chamber}/t{frame:03d}.png"
            write_atomic(root / image, png(draw(centres(chamber, frame))))
            rows.append(
                {"image": image, "chamber": f"ch{chamber}", "frame": frame, "time_h": frame / 2, **common}
            )
    for k in range(alone):
        image = f"single/{k:03d}.png"
        write_atomic(root / image, png(draw(centres(0, k))))
        rows.append({"image": image, "chamber": image, "frame": 0, "time_h": math.nan, **common})
    return Manifest(pd.DataFrame(rows).assign(page=0), root).write(root)


def pretend(root: Path, bias: float = 0.0, name: str = "any") -> None:
    """As if a model had counted: what is drawn, so many cells too many."""
    table = Manifest.read(root).table
    true = [1 + int(Path(image).stem.removeprefix("t")) // 3 for image in table["image"]]
    said = pd.DataFrame({"row": table.index, "count_frame": np.array(true) + bias})
    said = said.assign(
        count=said["count_frame"], lower=np.floor(said["count_frame"]), novelty=np.nan, flag=""
    )
    said["upper"] = np.ceil(said["count_frame"])
    columns = ["row", "count_frame", "count", "lower", "upper", "novelty", "flag"]
    write_atomic(root / ".label" / "counts-1.csv", said[columns].to_csv(index=False))
    state = {"number": 1, "base": name, "model": name, "note": "", "diameters": {}, "last": {}}
    write_atomic(root / ".label" / "model.json", json.dumps(state))


class Page:
    """A page in service; asks as a browser at the page would, unless told otherwise."""

    def __init__(self, place: Workplace, port: int, door: Door) -> None:
        self.place, self.port, self.door = place, port, door
        self.host = f"127.0.0.1:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; a header of None is left out."""
        asked: dict[str, str | None] = {"Host": self.host}
        if method != "GET":
            asked |= {"Origin": f"http://{self.host}", "X-Twincell": "1", "Content-Type": "application/json"}
        asked |= headers or {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.items():
                if value is not None:
                    connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Any:
        status, _, body = self.ask("GET", path, headers=headers)
        assert status == 200, (status, body)
        return json.loads(body)

    def post(self, path: str, body: Any) -> Any:
        status, _, answer = self.ask("POST", path, body)
        assert status == 200, (status, answer)
        return json.loads(answer)

    def do(self, person: str, *deeds: dict[str, Any]) -> Any:
        return self.post("/api/deeds", {"person": person, "deeds": list(deeds)})


@contextmanager
def serving(
    *inputs: Path, door: Door | None = None, asked: Asked | None = None, out: Path | None = None
) -> Iterator[Page]:
    """The page of a data set, on a free port of this computer."""
    place = Workplace(inputs, out, asked or Asked())
    with _listening("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        own = door or Door.of("127.0.0.1", port)
        server = uvicorn.Server(
            uvicorn.Config(app(place, own), log_level="error", ws="none", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            threading.Event().wait(0.01)
        try:
            yield Page(place, port, own)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            place.close()
