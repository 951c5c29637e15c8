"""The sandbox as Python programs use it."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

import uvicorn
from starlette.middleware import Middleware

from prov_facade.auth import BearerToken
from prov_facade.config import APIOverrides, Config
from prov_facade.sandbox._app import JOB_API, Services, application, report_address, routes
from prov_facade.sandbox._exchange import Log, Observer, Received
from prov_facade.sandbox._faults import Faults
from prov_facade.sandbox._handlers import Handlers
from prov_facade.sandbox._jobs import JobDelays, Jobs
from prov_facade.sandbox._realm import Realm
from prov_facade.sandbox._realm_routes import routes as realm_routes
from prov_facade.sandbox._registry import Registry
from prov_facade.sandbox._seed import load
from prov_facade.sandbox._store import Item, Store
from prov_facade.sandbox._tokens import TokenIssuer, new_signing_key, roles_of

REALM = "sandbox"
_STOP_SECONDS = 10


class Sandbox:
    """A prov-api and a job-api in this process, with what they hold in SQLite.

    It listens on a port of the loopback interface from ``with`` (or :meth:`start`) on, in a thread
    of its own. Any number of them can run side by side.

    Args:
        report_style: How ``generate_report`` answers: ``"document"`` with the report itself, as
            servers did until early 2026, or ``"job"`` with the session id of a job.
        state: A file that keeps what the sandbox holds; in memory by default.
        seed: A YAML file with what an empty sandbox holds at first; a small reef-modelling study by
            default. Its form is told at the top of the default one, ``seed.yaml`` in this package.
        delays: How long jobs take over each step.
        host: The address to listen on. Anything but loopback lets others in.
        port: The port; any free one by default.

    Attributes:
        faults: Faults on demand.
        realm: Where people and clients sign in, from the start on.

    Raises:
        SeedError: If the seed cannot be used.
        StateError: If the state file cannot be used.

    Examples:
        >>> with Sandbox() as sandbox:
        ...     client = ProvClient(sandbox.auth("read"), sandbox.config)
    """

    # For those who test the sandbox itself.
    _middleware: ClassVar[Sequence[Middleware]] = ()

    def __init__(
        self,
        *,
        report_style: Literal["document", "job"] = "document",
        state: str | Path | None = None,
        seed: str | Path | None = None,
        delays: JobDelays | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if report_style not in ("document", "job"):
            raise ValueError("report_style is 'document' or 'job'")
        self._report_style = report_style
        self._state = None if state is None else Path(state)
        self._seed = None if seed is None else Path(seed)
        self._delays = delays or JobDelays()
        self._host = host
        self._port = port
        self._log = Log()
        self.faults = Faults()

    def start(self) -> Self:
        """Start to listen.

        Raises:
            OSError: If the port is in use.
            SeedError: If the seed cannot be used.
            StateError: If the state file cannot be used.
        """
        self._socket = socket.create_server((self._host, self._port))
        try:
            # Handed down to connections. asyncio sets it only where the protocol is named, and an
            # answer that is sent in two parts would wait 40 ms for an acknowledgement in between.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._store = Store(self._state)
            try:
                self._serve()
            except BaseException:
                self._store.close()
                raise
        except BaseException:
            self._socket.close()
            raise
        return self

    def _serve(self) -> None:
        key = self._store.secret("key", lambda: secrets.token_bytes(32))
        signing_key = self._store.secret("signing key", new_signing_key)
        self._issuer = TokenIssuer(
            f"{self.url}/auth/realms/{REALM}", key=key, signing_key=signing_key
        )
        self.realm = Realm(REALM, self._issuer)
        # Kept, since a report may be finished while the sandbox stops, and its socket is closed.
        url = self.url
        registry = Registry(self._store, lambda job: report_address(url, key, job))
        if not self._store.items():
            registry.plant(load(self._seed))
        self._jobs = Jobs(self._store, registry.work(lambda: self._jobs), self._delays)
        handlers = Handlers(registry, self._jobs, self._report_style).table()
        observer = Observer(self._log, self.faults)
        services = Services(self._store, self._issuer, handlers, key)
        settings = uvicorn.Config(
            application(
                [*routes(services, observer), *realm_routes(self._issuer, self.realm, observer)],
                self._middleware,
            ),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="sandbox", daemon=True
        )
        self._jobs.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop to listen. What a state file holds stays there."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()
        self._jobs.stop()
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the prov-api listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def config(self) -> Config:
        """A configuration that leads a client here."""
        return Config(
            "sandbox.localhost",
            REALM,
            APIOverrides(
                prov_api_endpoint_override=self.url,
                jobs_service_api_endpoint_override=f"{self.url}{JOB_API}",
                keycloak_endpoint_override=f"{self.url}/auth/realms/{REALM}",
            ),
        )

    @property
    def requests(self) -> list[Received]:
        """The requests that were received, in order."""
        return self._log.all()

    def token(self, *roles: str, username: str = "sandbox", expires_in: float = 3600) -> str:
        """Make a token.

        Args:
            roles: What it allows: ``"read"``, ``"write"``, ``"admin"``. A route for writers needs
                read and write, one for administrators all three.
            username: Whose it is.
            expires_in: For how many seconds it is valid; a negative number makes one that has run
                out.
        """
        return self._issuer.issue(
            username, roles_of(*roles), expires_in, email=f"{username}@example.org"
        )

    def auth(self, *roles: str, username: str = "sandbox") -> BearerToken:
        """Make an auth manager for a client, whose token does not run out while it is used.

        Args:
            roles: What it allows, as for :meth:`token`.
            username: Whose tokens it gives.
        """
        return BearerToken(lambda: self.token(*roles, username=username))

    def items(self, item_subtype: str | None = None) -> list[Item]:
        """List what the sandbox holds, the oldest first.

        Args:
            item_subtype: Only items of this subtype, such as ``"MODEL_RUN"``.
        """
        return self._store.items(item_subtype)
