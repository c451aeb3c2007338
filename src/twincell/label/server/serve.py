"""The server, started and stopped."""

import socket
import sys
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from twincell.errors import UserError
from twincell.label.server.guard import Door
from twincell.label.server.routes import app
from twincell.label.workplace import Workplace
from twincell.locks import locked

LOCK = ".twincell.lock.label"
"""One page on one data set: a second server would not know what the first one is told."""


def serve(
    place: Workplace,
    host: str = "127.0.0.1",
    port: int = 8601,
    browser: bool = True,
    count: bool = True,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until it is stopped (Ctrl-C, or a signal).

    Args:
        place: what is labelled.
        host: the address to listen on; any but this computer's own asks for a token.
        port: 0: any free one.
        browser: open the page.
        count: let a model count all frames in the background.
        ready: called with the page's address once it answers.

    Raises:
        UserError: another page is open on the data set, or the port is taken.
    """
    with locked(place.root, LOCK), _listening(host, port) as listening:
        door = Door.of(host, listening.getsockname()[1])
        address = link(host, door)
        config = uvicorn.Config(
            app(place, door),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            ws="none",
            h11_max_incomplete_event_size=32_768,
        )
        server = uvicorn.Server(config)
        threading.Thread(
            target=_announce, args=(server, place, address, browser, count, ready), daemon=True
        ).start()
        try:
            server.run(sockets=[listening])
        finally:
            place.close()


def link(host: str, door: Door) -> str:
    """What to open: with the token where one is needed."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{door.port}/" + (f"?token={door.token}" if door.token else "")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as problem:
        found.close()
        raise UserError(
            f"{host}:{port} cannot be used ({problem.strerror}); name another --port, or 0"
        ) from problem
    return found


def _announce(
    server: uvicorn.Server,
    place: Workplace,
    address: str,
    browser: bool,
    count: bool,
    ready: Callable[[str], None] | None,
) -> None:
    """Say where the page is as soon as it answers, and let the work begin."""
    pause = threading.Event()
    while not server.started and not server.should_exit:
        pause.wait(0.02)
    if server.should_exit:
        return
    if ready is not None:
        ready(address)
    if browser:
        try:
            webbrowser.open(address)
        except webbrowser.Error as problem:
            print(f"twincell: no browser opens ({problem}); open the address yourself", file=sys.stderr)
    place.counts = count
    if count:
        place.begin()
