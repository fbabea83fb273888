"""Who may talk to the server: this computer's own pages, and nobody else's.

A page of another site can reach loopback through its own name (DNS rebinding) or open a WebSocket
across origins; the first carries a foreign `Host`, the second a foreign `Origin`.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """ASGI middleware: checks `Host` and `Origin`, adds the headers that confine the page.

    Args:
        app: what it guards.
        hosts: `Host` values that are ours, with the port.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = frozenset(f"http://{host}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        reason = self._refusal(scope)
        if reason is None:
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "http":
            await PlainTextResponse(reason + "\n", 403)(scope, receive, _with_headers(send))
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})

    def _refusal(self, scope: Scope) -> str | None:
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1 or named[0].lower() not in self.hosts:
            return f"this server answers only to {', '.join(sorted(self.hosts))}"
        origin = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if not origin and scope["type"] == "http":
            return None  # a browser sends none with a plain visit
        if len(origin) != 1 or origin[0].lower() not in self.origins:
            return "this server answers only to its own page"
        return None


def _with_headers(send: Send) -> Send:
    added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return send_with_headers
