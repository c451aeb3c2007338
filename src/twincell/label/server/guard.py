"""Who may talk to the page: nobody but the people at it.

By default the server listens on this computer alone, and takes only requests whose Host is this computer: a
    page of
another site cannot reach it by a name of its own (DNS rebinding). Where it listens for others, each browser
has to show the token of the link once; it gets a cookie that no other site's page can send (SameSite) or
read (HttpOnly). Whatever changes something, and every image, must come from the page itself (Origin,
Sec-Fetch-Site). There is no
websocket, no upload, and no path in any request: frames go by their number, files by a list of names.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "twincell"
LARGEST_BODY = 256 * 1024
"""Bytes of a request."""
LONGEST_URL = 4_000
READING = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "sandbox allow-scripts"
)
"""Of the report, which carries its own styles and script: in a sandbox, with no origin and no network."""


@dataclass(frozen=True)
class Door:
    """How the page may be reached.

    Attributes:
        port: of the server.
        token: to be shown by every browser; empty where only this computer can ask.
        hosts: names under which the server may be asked for; None = any, where a token is asked for.
    """

    port: int
    token: str = ""
    hosts: frozenset[str] | None = field(default=None)

    @classmethod
    def of(cls, host: str, port: int) -> "Door":
        """For this computer alone, or with a new token for any address."""
        if host in ("127.0.0.1", "localhost", "::1"):
            return cls(port, "", frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")))
        return cls(port, secrets.token_urlsafe(32))

    def knows(self, host: str) -> bool:
        """Whether the Host of a request is meant for this server."""
        return bool(host) and (self.hosts is None or host.lower() in self.hosts)

    def opens(self, shown: str) -> bool:
        """Whether a token is the right one; takes as long for any."""
        return hmac.compare_digest(shown.encode(errors="replace"), self.token.encode())


class Guard:
    """ASGI middleware: every request passes here first."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is no websocket here
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        shown = _token_of(scope)
        if refusal := self._refusal(scope, headers, shown):
            await PlainTextResponse(refusal[1], refusal[0], headers=HEADERS)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive), self._sender(send, bool(shown), scope["path"]))

    def _refusal(self, scope: Scope, headers: Headers, shown: str) -> tuple[int, str] | None:
        door, host = self._door, headers.get("host", "")
        if not door.knows(host):
            return 421, "this server is asked for under another name"
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_URL:
            return 414, "the address is too long"
        if not _same_site(scope, headers, host):
            return 403, "only the page itself may ask"
        if door.token and not (door.opens(shown) if shown else door.opens(_cookie(headers))):
            return 401, "open the link that twincell printed; it holds the token"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return 413, "the request is too large"
        return None

    def _sender(self, send: Send, entering: bool, path: str) -> Send:
        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {**HEADERS}
                if path.endswith(".html"):
                    told["content-security-policy"] = REPORT_POLICY
                if entering:
                    told["set-cookie"] = f"{COOKIE}={self._door.token}; HttpOnly; SameSite=Strict; Path=/"
                have = {name for name, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in told.items() if k.encode() not in have]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return sender


def _same_site(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a request comes from the page itself, or is a person opening a link."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if scope["method"] not in READING:
        return origin is not None and urlsplit(origin).netloc == host and headers.get("x-twincell") == "1"
    if origin is not None and urlsplit(origin).netloc != host:
        return False
    opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return site in (None, "same-origin", "none") or (opened and scope["path"] == "/")


def _token_of(scope: Scope) -> str:
    """The token in the address of the page itself."""
    if scope["path"] != "/":
        return ""
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _bounded(receive: Receive) -> Receive:
    """The body, cut where it is larger than it said or than is taken."""
    read = 0

    async def receiver() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            return {"type": "http.disconnect"}
        return message

    return receiver
