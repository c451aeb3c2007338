"""The page under attack: other sites, other names, other folders, too much, websockets, wrong tokens."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.label_toys import Page, serving, write_cells
from twincell.label.server.guard import LARGEST_BODY, Door

DEED = {"person": "Eve", "deeds": [{"key": "key-00001", "row": 0, "kind": "number", "number": 3}]}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = tmp_path_factory.mktemp("data")
    (root.parent / "secret.txt").write_text("not for the page")
    write_cells(root, 1, 3)
    with serving(root) as served:
        yield served


@pytest.fixture
def untouched(page: Page) -> Iterator[None]:
    """Whatever an attack does, nothing is kept."""
    before = page.place.needed_session().store.last
    yield
    assert page.place.needed_session().store.last == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": None},
        {"Origin": "null"},
        {"X-Twincell": None},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": ""},
    ],
)
@pytest.mark.usefixtures("untouched")
def test_no_other_site_can_change_anything(page: Page, headers: dict[str, str | None]) -> None:
    assert page.ask("POST", "/api/deeds", DEED, headers)[0] in (403, 421)


@pytest.mark.usefixtures("untouched")
def test_a_form_of_another_site_is_refused(page: Page) -> None:
    form = {"Origin": "http://evil.example", "Content-Type": "text/plain", "X-Twincell": None}
    for path in ("/api/deeds", "/api/job/learn", "/api/job/stop", "/api/job/write"):
        assert page.ask("POST", path, json.dumps(DEED).encode(), form)[0] == 403
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert page.ask(method, "/api/deeds", b"{}", {"Origin": "http://evil.example"})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Host": "rebound.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_no_other_site_can_look(page: Page, headers: dict[str, str | None]) -> None:
    for path in (
        "/",
        "/api/state?person=Eve",
        "/image/0.png",
        "/small/0.jpg",
        "/static/app.js",
        "/files/labels.csv",
    ):
        status, answered, body = page.ask("GET", path, headers=headers)
        assert status in (403, 421), path
        assert "access-control-allow-origin" not in answered
        assert b"ch0" not in body


def test_a_person_may_open_a_link(page: Page) -> None:
    opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    status, headers, _ = page.ask("GET", "/", headers=opened)
    assert status == 200
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert page.ask("GET", "/api/pulse", headers=opened)[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../secret.txt",
        "/static/%2e%2e/%2e%2e/secret.txt",
        "/static/..%2f..%2f..%2fsecret.txt",
        "/static//etc/passwd",
        "/files/../secret.txt",
        "/files/..%2f..%2fmanifest.csv",
        "/files/labels.sqlite%00.png",
        "/files/manifest.csv",
        "/files/.label",
        "/image/../manifest.csv",
        "/image/-1.png",
        "/image/99999999999999999999.png",
        "/image/3.png",
        "/small/1e3.jpg",
        "/position/0.png",
        "/position/..%2f0.png",
        "/first.png",
        "//127.0.0.1/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_data_set(page: Page, path: str) -> None:
    status, _, body = page.ask("GET", path)
    assert status in (400, 404, 405), (status, body[:80])
    assert b"not for the page" not in body
    assert b"root:" not in body


@pytest.mark.usefixtures("untouched")
def test_what_is_too_large_is_refused_before_it_is_read(page: Page) -> None:
    assert page.ask("POST", "/api/deeds", b" " * (LARGEST_BODY + 1))[0] == 413
    assert page.ask("GET", "/api/next?person=" + "x" * 5_000)[0] in (400, 414)
    many = {"person": "Eve", "deeds": [{**DEED["deeds"][0], "key": f"key-{i:05d}"} for i in range(201)]}  # type: ignore[index,dict-item]
    assert page.ask("POST", "/api/deeds", many)[0] == 400
    for wrong in ({"person": "E" * 41, "deeds": DEED["deeds"]}, {"person": "", "deeds": DEED["deeds"]}):
        assert page.ask("POST", "/api/deeds", wrong)[0] == 400


@pytest.mark.usefixtures("untouched")
def test_a_body_that_lies_about_its_length_is_cut(page: Page) -> None:
    head = f"POST /api/deeds HTTP/1.1\r\nHost: {page.host}\r\nOrigin: http://{page.host}\r\nX-Twincell: 1\r\n"
    with socket.create_connection(("127.0.0.1", page.port), timeout=20) as line:
        line.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        try:
            for _ in range(LARGEST_BODY // 65_536 + 8):
                line.sendall(chunk)
            answer = line.recv(200)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
    assert answer == b"" or b" 413 " in answer or b" 400 " in answer


@pytest.mark.parametrize("origin", ["http://evil.example", "", "http://127.0.0.1"])
def test_there_is_no_websocket(page: Page, origin: str) -> None:
    for path in ("/", "/ws", "/api/pulse", "/api/deeds"):
        ask = (
            f"GET {path} HTTP/1.1\r\nHost: {page.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: {origin}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", page.port), timeout=20) as line:
            line.sendall(ask.encode())
            answer = line.recv(300)
        assert b" 101 " not in answer.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "deed",
    [
        {"kind": "number", "number": -1},
        {"kind": "number", "number": 10**9},
        {"kind": "number", "number": "many"},
        {"kind": "dot"},
        {"kind": "dot", "dot": {"id": "dot-00001", "x": 1e9, "y": 1}},
        {"kind": "dot", "dot": {"id": "dot-00001", "x": 49, "y": 1}},
        {"kind": "dot", "dot": {"id": "dot-00001", "x": "NaN", "y": 1}},
        {"kind": "dot", "dot": {"id": "../../x", "x": 1, "y": 1}},
        {"kind": "dot", "dot": {"id": "dot-00001", "x": 1, "y": 1, "label": "a\x1b[31m"}},
        {"kind": "status", "status": "king"},
        {"kind": "condition", "chamber": "another", "condition": "x"},
        {"kind": "number", "number": 1, "row": 77},
        {"kind": "number", "number": 1, "row": -1},
        {"kind": "number", "number": 1, "more": 1},
        {"kind": "drop table"},
        {"kind": "number", "number": 1, "round": 10**6},
    ],
)
@pytest.mark.usefixtures("untouched")
def test_deeds_that_cannot_be_meant_are_refused_in_words(page: Page, deed: dict[str, object]) -> None:
    body = {"person": "Eve", "deeds": [{"key": "key-00001", "row": 0, **deed}]}
    status, _, answer = page.ask("POST", "/api/deeds", body)
    assert status == 400
    assert json.loads(answer)["problems"]


def test_beyond_this_computer_a_token_is_asked_for(tmp_path: Path) -> None:
    write_cells(tmp_path, 1, 2)
    assert Door.of("127.0.0.1", 1).token == ""
    door = Door.of("0.0.0.0", 0)
    assert len(door.token) >= 40
    assert door.token != Door.of("0.0.0.0", 0).token
    with serving(tmp_path, door=door) as page:
        for path in (
            "/",
            "/api/state?person=Eve",
            "/image/0.png",
            "/static/app.js",
            "/?token=",
            "/?token=wrong",
        ):
            assert page.ask("GET", path)[0] == 401, path
        assert page.ask("GET", "/api/pulse", headers={"Cookie": "twincell=wrong"})[0] == 401
        assert page.ask("GET", "/api/pulse", headers={"Cookie": 'twincell="; ;=,"'})[0] == 401
        assert page.ask("GET", f"/api/pulse?token={door.token}")[0] == 401  # in the address of the page alone
        assert page.ask("POST", "/api/deeds", DEED)[0] == 401
        status, headers, _ = page.ask("GET", f"/?token={door.token}")
        assert status == 200
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        own = {"Cookie": cookie.split(";")[0]}
        assert page.ask("GET", "/api/pulse", headers=own)[0] == 200  # type: ignore[arg-type]
        assert page.ask("POST", "/api/deeds", DEED, own | {"Origin": "http://evil.example"})[0] == 403  # type: ignore[arg-type,operator]
        assert page.ask("POST", "/api/deeds", DEED, own)[0] == 200  # type: ignore[arg-type]


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: asked.append((a, b)) or a == b)
    door = Door(1, "token")
    assert door.opens("token")
    assert not door.opens("t\udce4")
    assert len(asked) == 2
