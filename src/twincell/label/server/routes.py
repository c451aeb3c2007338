"""Every address of the page, each a few lines: read the request, ask the session, answer as JSON or an
image."""

from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from twincell.errors import UserError
from twincell.label import views
from twincell.label.downloads import WHAT
from twincell.label.exchange import write_labels
from twincell.label.records import Deed, Person
from twincell.label.server.guard import Door, Guard
from twincell.label.session import Session
from twincell.label.workplace import Workplace

STATIC = Path(str(files("twincell.label").joinpath("static")))
KEEP = {"cache-control": "private, max-age=86400"}
FRESH = {"cache-control": "no-store"}
_PERSON: TypeAdapter[str] = TypeAdapter(Person)


class Deeds(BaseModel):
    """What a page sends of what a person did."""

    model_config = ConfigDict(extra="forbid")

    person: Person
    deeds: list[Deed] = Field(min_length=1, max_length=200)


class Words(BaseModel):
    """A person's words on an input."""

    model_config = ConfigDict(extra="forbid")

    modality: str = Field(max_length=60)
    minutes: float | None = None
    fields: bool


class Boxes(BaseModel):
    """Chambers as drawn, by position."""

    model_config = ConfigDict(extra="forbid")

    boxes: dict[str, list[tuple[float, float, float, float]]]


def app(place: Workplace, door: Door) -> Starlette:
    """The page of a workplace behind its door."""
    api = _Api(place)
    routes = [
        Route("/", _index),
        Route("/api/pulse", api.pulse),
        Route("/api/state", api.state),
        Route("/api/next", api.next),
        Route("/api/frame/{row:int}", api.frame),
        Route("/api/look/{row:int}", api.look),
        Route("/api/series/{number:int}", api.series),
        Route("/api/curve/{number:int}", api.curve),
        Route("/api/hint/{number:int}", api.hint),
        Route("/api/review", api.review),
        Route("/api/people", api.people),
        Route("/api/deeds", api.deeds, methods=["POST"]),
        Route("/api/job/{kind:str}", api.work, methods=["POST"]),
        Route("/api/setup", api.setup),
        Route("/api/setup/{step:str}", api.setup_step, methods=["POST"]),
        Route("/image/{row:int}.png", api.image),
        Route("/small/{row:int}.jpg", api.small),
        Route("/first.png", api.first),
        Route("/position/{number:int}.png", api.position),
        Route("/files/{name:str}", api.file),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers: dict[Any, Any] = {
        UserError: _fault,
        ValueError: _fault,
        ClientDisconnect: _too_large,
        HTTPException: _plain,
    }
    return Starlette(routes=routes, middleware=[Middleware(Guard, door=door)], exception_handlers=handlers)


def _index(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers=FRESH)


def _fault(request: Request, fault: Exception) -> Response:
    """Bad input, in words: 400."""
    said = fault.problems if isinstance(fault, UserError) else [_line(fault)]
    return JSONResponse({"problems": said}, 400, headers=FRESH)


def _line(fault: Exception) -> str:
    if isinstance(fault, ValidationError):
        first = fault.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:300]
    return str(fault)[:300]


def _too_large(request: Request, fault: Exception) -> Response:
    return PlainTextResponse("the request is too large", 413)


def _plain(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return JSONResponse({"problems": [fault.detail]}, fault.status_code, headers=FRESH)


def _answering(work: Callable[["_Api", Request], Any]) -> Callable[["_Api", Request], Awaitable[Response]]:
    """A function of session and request, run in a thread, its values as JSON."""

    @wraps(work)
    async def route(self: "_Api", request: Request) -> Response:
        found = await run_in_threadpool(work, self, request)
        return found if isinstance(found, Response) else JSONResponse(found, headers=FRESH)

    return route


class _Api:
    """The addresses; each asks the workplace for its session, which is not there before there is a data
    set."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    @property
    def session(self) -> Session:
        if self._place.session is None:
            raise HTTPException(409, "there is no data set yet; say first what the images are")
        return self._place.session

    def _row(self, request: Request) -> int:
        row = int(request.path_params["row"])
        if not self.session.dataset.shown(row):
            raise HTTPException(404, f"frame {row} is not in the data set")
        return row

    def _number(self, request: Request) -> int:
        number = int(request.path_params["number"])
        if number >= len(self.session.dataset.series):
            raise HTTPException(404, f"there is no chamber {number}")
        return number

    @_answering
    def pulse(self, request: Request) -> Any:
        session = self._place.session
        return {"ready": session is not None, **(views.pulse(session) if session else {})}

    @_answering
    def state(self, request: Request) -> Any:
        return views.state(self.session, _person(request))

    @_answering
    def next(self, request: Request) -> Any:
        query = request.query_params
        avoid = [int(row) for row in query.get("avoid", "").split(",") if row][:100]
        only = int(query["series"]) if query.get("series") else None
        if only is not None and not 0 <= only < len(self.session.dataset.series):
            raise HTTPException(404, f"there is no chamber {only}")
        found = self.session.next(_person(request), min(int(query.get("n", 1)), 8), only, avoid)
        return [{"row": row, "round": round_} for row, round_ in found]

    @_answering
    def frame(self, request: Request) -> Any:
        round_ = min(max(int(request.query_params.get("round", 0)), 0), 50)
        return views.frame(self.session, _person(request), self._row(request), round_)

    @_answering
    def look(self, request: Request) -> Any:
        """What the model sees in a frame, for a person who asks, or who has answered."""
        row, learning = self._row(request), self.session.learning
        said = views.model(self.session, row)
        if learning.seer is None or said is None:
            return {"count": None, "dots": None}
        cells = None if said["count"] is None else round(said["count"])
        return {**said, "dots": learning.seer.look(self.session.dataset, row, cells)["dots"]}

    @_answering
    def series(self, request: Request) -> Any:
        return views.series(self.session, _person(request), self._number(request))

    @_answering
    def curve(self, request: Request) -> Any:
        return views.curve(self.session, self._number(request))

    @_answering
    def hint(self, request: Request) -> Any:
        return {"change": self.session.change_by_more(self._number(request))}

    @_answering
    def review(self, request: Request) -> Any:
        query = {key: value[:80] for key, value in request.query_params.items()}
        return views.review(self.session, _person(request), query, max(int(query.get("start", 0)), 0))

    @_answering
    def people(self, request: Request) -> Any:
        return views.people(self.session)

    async def deeds(self, request: Request) -> Response:
        """Keep what a person did; the answer goes out when it is on the disk."""
        asked = Deeds.model_validate_json(await request.body())
        return JSONResponse(await run_in_threadpool(self._do, asked), headers=FRESH)

    def _do(self, asked: Deeds) -> Any:
        session = self.session
        session.do(asked.person, asked.deeds)
        told = {}
        for deed in asked.deeds:
            if deed.kind != "condition":
                answer = session.answer(asked.person, deed.row, deed.round)
                told[f"{deed.row}.{deed.round}"] = views.told(answer)
        return {"kept": [deed.key for deed in asked.deeds], "answers": told, "last": session.store.last}

    @_answering
    def work(self, request: Request) -> Any:
        """Start or stop what takes long, or write the labels beside the manifest."""
        session, kind = self.session, request.path_params["kind"]
        if kind == "stop":
            session.jobs.stop()
            return {"started": False}
        if kind == "write":
            with session.store.lock:
                written = write_labels(session.dataset, session.store.answers, session.path.parent)
            return {"written": [file.name for file in written]}
        ways: dict[str, Callable[[], bool]] = {
            "count": session.learning.count,
            "learn": session.learn,
            "report": lambda: session.learning.write_report(session.store.path),
        }
        if kind not in ways:
            raise HTTPException(404, "there is no such work")
        return {"started": ways[kind]()}

    @_answering
    def setup(self, request: Request) -> Any:
        return {"phase": "ready"} if self._place.setup is None else self._place.setup.state()

    async def setup_step(self, request: Request) -> Response:
        """A person's words, boxes, or a step back."""
        body, step = await request.body(), request.path_params["step"]
        return JSONResponse(await run_in_threadpool(self._step, step, body), headers=FRESH)

    def _step(self, step: str, body: bytes) -> Any:
        setup = self._place.setup
        if setup is None:
            raise HTTPException(409, "the data set is there already")
        if step == "words":
            words = Words.model_validate_json(body)
            setup.submit(words.modality, words.minutes, words.fields)
        elif step == "boxes":
            setup.confirm(Boxes.model_validate_json(body).boxes, lambda job: self._place.enter())
        elif step == "back":
            setup.again()
        else:
            raise HTTPException(404, "there is no such step")
        self._place.enter()
        return {"ready": self._place.session is not None}

    @_answering
    def image(self, request: Request) -> Any:
        return Response(self.session.dataset.png(self._row(request)), media_type="image/png", headers=KEEP)

    @_answering
    def small(self, request: Request) -> Any:
        return Response(self.session.dataset.small(self._row(request)), media_type="image/jpeg", headers=KEEP)

    @_answering
    def first(self, request: Request) -> Any:
        if self._place.setup is None:
            raise HTTPException(404, "the data set is there already")
        return Response(self._place.setup.first_picture(), media_type="image/png", headers=FRESH)

    @_answering
    def position(self, request: Request) -> Any:
        if self._place.setup is None:
            raise HTTPException(404, "the data set is there already")
        return FileResponse(
            self._place.setup.position_picture(int(request.path_params["number"])), headers=FRESH
        )

    @_answering
    def file(self, request: Request) -> Any:
        """A file of the last report, by its name in the list."""
        name, folder = request.path_params["name"], self.session.learning.report.get("folder")
        if name not in WHAT or folder is None or not (Path(folder) / name).is_file():
            raise HTTPException(404, "there is no such file; write the report first")
        shown = name.endswith(".html") and "save" not in request.query_params
        kind = "inline" if shown else "attachment"
        return FileResponse(Path(folder) / name, filename=name, content_disposition_type=kind, headers=FRESH)


def _person(request: Request) -> str:
    return _PERSON.validate_python(request.query_params.get("person", ""))
