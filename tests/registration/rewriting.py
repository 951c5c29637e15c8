"""A sandbox that changes the job-api's responses, as other servers and gateways would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from registration.registrar import SEED
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prov_facade.sandbox import JobDelays, Sandbox

Rewrite = Callable[[dict[str, Any]], None]


class Rewriting:
    """Middleware that changes the lists of jobs of a route."""

    rewrite: ClassVar[Rewrite | None] = None
    route: ClassVar[str] = ""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(Rewriting.route):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def kept(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if start["status"] == 200 and Rewriting.rewrite is not None:
                page = json.loads(body)
                Rewriting.rewrite(page)
                body = json.dumps(page).encode()
            headers = [one for one in start["headers"] if one[0].lower() != b"content-length"]
            headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        # The keys may have been changed: the sandbox refuses those of others.
        content = json.loads((await receive())["body"])
        sent = json.dumps({**content, "pagination_key": None}).encode()
        length = (b"content-length", str(len(sent)).encode())
        headers = [one for one in scope["headers"] if one[0] != b"content-length"]

        async def first_page() -> Message:
            return {"type": "http.request", "body": sent, "more_body": False}

        await self._app({**scope, "headers": [*headers, length]}, first_page, kept)


class RewritingSandbox(Sandbox):
    """A sandbox whose lists of jobs can be changed."""

    _middleware: ClassVar[Sequence[Middleware]] = (Middleware(Rewriting),)


@contextmanager
def rewriting(rewrite: Rewrite | None, route: str = "/jobs/user/list") -> Iterator[Sandbox]:
    """Start a sandbox whose lists of jobs are changed by a function."""
    Rewriting.rewrite, Rewriting.route = None if rewrite is None else staticmethod(rewrite), route
    try:
        with RewritingSandbox(seed=SEED, delays=JobDelays(0, 0, 0, 0)) as sandbox:
            yield sandbox
    finally:
        Rewriting.rewrite = None
