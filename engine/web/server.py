"""The server of the page: loopback only, a session for each page, bounded in every way."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import webbrowser
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Timer

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tesuji.domains.base import Domain
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.game import Game
from tesuji.engine.session import Searcher, Session
from tesuji.engine.web import views
from tesuji.engine.web.client import Client
from tesuji.engine.web.guard import Guard
from tesuji.engine.web.messages import MAX_FILE_BYTES
from tesuji.engine.web.thinker import Limits

STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css",
          ".svg": "image/svg+xml"}  # fmt: skip
_TRY_LATER = 1013


def make_app(
    domain: Domain,
    make_search: Callable[[], Searcher],
    hosts: frozenset[str],
    *,
    level: int = 5,
    person: int | None = 0,
    seed: int = 0,
    start: Callable[[], Game] | None = None,
    loaded: bool = False,
    limits: Limits | None = None,
) -> Starlette:
    """Return the ASGI application.

    Args:
        domain: the rules.
        make_search: a search for one page; called once for each.
        hosts: `Host` values that are ours, with the port.
        level: strength of the engine at first.
        person: the side that the person plays at first.
        seed: decides the engine's choices.
        start: makes the game that a page opens with, where it is not a new one.
        loaded: whether that comes from a file, so that it is reviewed and the engine waits.
        limits: how much a page may ask for.
    """
    limits = limits if limits is not None else Limits()
    threads = ThreadPoolExecutor(limits.clients, thread_name_prefix="search")
    connected: set[WebSocket] = set()

    def begin() -> Session:
        """Return a session that is ready to be shown: rules compile when they are first used."""
        session = Session(domain, make_search(), level=level, person=person, seed=seed)
        if start is not None:
            session.start(start())
        views.view_state(session)
        here = session.game.current
        if not here.ended:
            domain.step(here.state, int(domain.allowed(here.state).argmax()))
        return session

    async def play(page: WebSocket) -> None:
        await page.accept()
        if len(connected) >= limits.clients:
            await turn_away(page, f"{limits.clients} pages play already; close one and reload")
            return
        connected.add(page)
        try:
            await page.send_json({"type": "thinking"})
            session = await asyncio.get_running_loop().run_in_executor(threads, begin)
            await Client(page, session, limits, threads, loaded=loaded).serve()
        except TesujiError as error:
            await turn_away(page, str(error))
        except asyncio.CancelledError:  # the server ends, and a search that compiles cannot stop
            pass
        finally:
            connected.discard(page)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        threads.shutdown(wait=False, cancel_futures=True)

    routes = [Route("/", _file(STATIC / "index.html")), WebSocketRoute("/play", play)]
    routes += [Route(f"/{path.name}", _file(path)) for path in sorted(STATIC.iterdir())]
    guard = Middleware(Guard, hosts=hosts)
    return Starlette(routes=routes, middleware=[guard], lifespan=lifespan)


async def turn_away(page: WebSocket, reason: str) -> None:
    """Tell a page why it cannot play, and close."""
    await page.send_json({"type": "error", "error": reason, "field": "connection"})
    await page.close(_TRY_LATER, reason)


def _file(path: Path) -> Callable[[Request], Response]:
    content, kind = path.read_bytes(), _TYPES[path.suffix]

    def answer(_: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def serve(
    domain: Domain,
    make_search: Callable[[], Searcher],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    level: int = 5,
    person: int | None = 0,
    seed: int = 0,
    start: Callable[[], Game] | None = None,
    loaded: bool = False,
    open_browser: bool = True,
    announce: Callable[[str], None] = lambda line: None,
    limits: Limits | None = None,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        domain: the rules.
        make_search: a search for one page; called once for each.
        host: a loopback address.
        port: where; 0 for any free one.
        level: strength of the engine at first, 1 to 10.
        person: the side that the person plays at first; None for both.
        seed: decides the engine's choices.
        start: makes the game that a page opens with, where it is not a new one.
        loaded: whether that comes from a file.
        open_browser: open the page in the person's browser.
        announce: told where the page is.
        limits: how much a page may ask for.

    Raises:
        UsageError: `host` is no loopback address, or a move is not legal.
        TesujiError: the port cannot be had.
    """
    if start is not None:
        start()  # a wrong move is told of before anything is served
    listener = listen(host, port)
    hosts = names_of(listener)
    app = make_app(
        domain,
        make_search,
        hosts,
        level=level,
        person=person,
        seed=seed,
        start=start,
        loaded=loaded,
        limits=limits,
    )
    url = f"http://{_bracketed(listener)}/"
    announce(f"play at {url} (Ctrl-C ends)")
    if open_browser:
        Timer(0.5, webbrowser.open, [url]).start()
    try:
        make_server(app).run(sockets=[listener])
    except KeyboardInterrupt:  # how uvicorn says that it was asked to end
        pass
    finally:
        listener.close()


def make_server(app: Starlette) -> uvicorn.Server:
    """Return a server that bounds what it reads and whom it serves."""
    config = uvicorn.Config(
        app,
        ws_max_size=4 * MAX_FILE_BYTES,
        ws_max_queue=8,
        limit_concurrency=64,
        timeout_graceful_shutdown=2,
        access_log=False,
        log_level="warning",
        server_header=False,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on loopback.

    Raises:
        UsageError: `host` is no loopback address, or `port` no port.
        TesujiError: the port cannot be had.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        raise UsageError(f"host must be 127.0.0.1 or ::1, got {host!r}") from None
    if not address.is_loopback:
        raise UsageError(f"host must be a loopback address, 127.0.0.1 or ::1, got {host}")
    if not 0 <= port <= 65535:
        raise UsageError(f"port must be between 0 and 65535, got {port}")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(address), port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        why = {errno.EADDRINUSE: "is in use", errno.EACCES: "needs root"}
        reason = why.get(error.errno or 0, f"cannot be had ({error.strerror})")
        raise TesujiError(
            f"port {port} {reason}; choose another with --port, or 0 for any free one"
        ) from error
    return listener


def names_of(listener: socket.socket) -> frozenset[str]:
    """Return the `Host` values under which a browser on this computer reaches `listener`."""
    port = listener.getsockname()[1]
    names = {_bracketed(listener), f"localhost:{port}"}
    if port == 80:  # a browser leaves it out
        names |= {name.removesuffix(":80") for name in names}
    return frozenset(names)


def _bracketed(listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
