"""The sandbox as Python programs use it."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

import uvicorn
from attrs import define, field
from starlette.middleware import Middleware

from prov_facade.auth import BearerToken
from prov_facade.config import APIOverrides, Config, check_address
from prov_facade.sandbox._http.app import (
    JOB_API,
    Services,
    Verify,
    application,
    operation_ids,
    report_address,
    routes,
)
from prov_facade.sandbox._http.exchange import Log, Observer, Received
from prov_facade.sandbox._http.handlers import Handlers
from prov_facade.sandbox._realm.realm import Client, Realm
from prov_facade.sandbox._realm.routes import OPERATIONS as REALM_OPERATIONS
from prov_facade.sandbox._realm.routes import routes as realm_routes
from prov_facade.sandbox._realm.tokens import TokenIssuer, new_signing_key, roles_of
from prov_facade.sandbox._realm.trust import TrustedIssuer
from prov_facade.sandbox._state.jobs import JobDelays, Jobs
from prov_facade.sandbox._state.registry import JOB_SUB_TYPES, Registry
from prov_facade.sandbox._state.seed import load
from prov_facade.sandbox._state.store import Item, StateError, Store
from prov_facade.sandbox.faults import Faults

REALM = "sandbox"
_STOP_SECONDS = 10
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (what is asked for is told)


@define
class _Running:
    """What there is of a sandbox while it runs."""

    url: str
    store: Store
    issuer: TokenIssuer
    realm: Realm
    jobs: Jobs
    server: uvicorn.Server
    thread: threading.Thread
    opened: ExitStack = field(factory=ExitStack)


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


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
        clients: Clients with a secret that can sign in as themselves, by id.
        trusts: The address of another issuer, such as a realm of a Keycloak, whose access tokens
            are taken as well: JWTs signed with RS256, whose claims are Keycloak's. It is asked for
            its keys at the start, and clients sign in there.
        host: The address to listen on. Anything but loopback lets others in.
        port: The port; any free one by default.
        record: Whether requests are kept for :attr:`requests`.

    Attributes:
        faults: Faults on demand.

    Raises:
        ConfigError: If what it trusts is not the address of an issuer, or one to which tokens would
            go in the clear.
        IssuerError: If what it trusts cannot be asked for its keys.
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
        clients: Mapping[str, Client] | None = None,
        trusted_issuer: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        record: bool = True,
    ) -> None:
        if report_style not in ("document", "job"):
            raise ValueError("report_style is 'document' or 'job'")
        self._report_style = report_style
        self._state = None if state is None else Path(state)
        self._seed = None if seed is None else Path(seed)
        self._delays = delays or JobDelays()
        self._clients = clients
        if trusted_issuer is not None:
            check_address("trusts", trusted_issuer, allow_http=False)
        self._trusted_issuer = trusted_issuer
        self._host = host
        self._port = port
        self._log = Log(keep=record)
        self._running: _Running | None = None
        self.faults = Faults([*operation_ids(), *REALM_OPERATIONS], JOB_SUB_TYPES)

    def start(self) -> Self:
        """Start to listen.

        Raises:
            IssuerError: If the issuer that it trusts cannot be asked for its keys.
            OSError: If the port is in use, or the host is none of this machine.
            RuntimeError: If it is running already.
            SeedError: If the seed cannot be used.
            StateError: If the state file cannot be used.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        with ExitStack() as opened:
            listening = opened.enter_context(self._listen())
            store = opened.enter_context(Store(self._state))
            try:
                self._running = self._serve(listening, store)
            except sqlite3.Error as error:
                raise StateError(f"{self._state} cannot be used: {error}") from error
            self._running.opened = opened.pop_all()
        return self

    def _listen(self) -> socket.socket:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        listening = socket.create_server(address[:2], family=family)
        # Handed down to connections. asyncio sets it only where the protocol is named, and an
        # answer that is sent in two parts would wait 40 ms for an acknowledgement in between.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening

    def _serve(self, listening: socket.socket, store: Store) -> _Running:
        url = _url_of(listening)
        key = store.secret("key", lambda: secrets.token_bytes(32))
        signing_key = store.secret("signing key", new_signing_key)
        issuer = TokenIssuer(f"{url}/auth/realms/{REALM}", key=key, signing_key=signing_key)
        realm = Realm(REALM, issuer, clients=self._clients)
        registry = Registry(store)
        if not store.items():
            registry.load_seed(load(self._seed))
        jobs = Jobs(store, registry.work(lambda: jobs), self.faults, self._delays)
        handlers = Handlers(
            registry, jobs, self._report_style, lambda base, job: report_address(base, key, job)
        )
        self._log.clear()
        observer = Observer(self._log, self.faults)
        services = Services(store, self._verify(issuer), handlers.table(), key)
        settings = uvicorn.Config(
            application(
                [*routes(services, observer), *realm_routes(issuer, realm, observer)],
                observer,
                self._middleware,
            ),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(
            target=server.run, args=([listening],), name="sandbox", daemon=True
        )
        jobs.start()
        thread.start()
        return _Running(url, store, issuer, realm, jobs, server, thread)

    def _verify(self, issuer: TokenIssuer) -> Verify:
        """Return what checks the tokens of callers."""
        if self._trusted_issuer is None:
            return issuer.verify
        trusted = TrustedIssuer(self._trusted_issuer)
        return lambda token: issuer.verify(token) or trusted.verify(token)

    def stop(self) -> None:
        """Stop to listen. What a state file holds stays there."""
        running, self._running = self._running, None
        if running is None:
            return
        running.server.should_exit = True
        running.thread.join(_STOP_SECONDS)
        running.jobs.stop()
        running.opened.close()

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
    def _up(self) -> _Running:
        if self._running is None:
            raise RuntimeError(
                "the sandbox is not running: use it in a with statement, or start it"
            )
        return self._running

    @property
    def url(self) -> str:
        """Where the prov-api listens, for this machine."""
        return self._up.url

    @property
    def realm(self) -> Realm:
        """Where people and clients sign in."""
        return self._up.realm

    @property
    def config(self) -> Config:
        """A configuration that leads a client here."""
        return Config(
            "sandbox.localhost",
            REALM,
            APIOverrides(
                prov_api_endpoint_override=self.url,
                jobs_service_api_endpoint_override=f"{self.url}{JOB_API}",
                keycloak_endpoint_override=self._trusted_issuer
                or f"{self.url}/auth/realms/{REALM}",
            ),
        )

    @property
    def requests(self) -> list[Received]:
        """The requests that were received, in order."""
        return self._log.all()

    def clear_requests(self) -> None:
        """Forget the requests that were received so far."""
        self._log.clear()

    def token(self, *roles: str, username: str = "sandbox", expires_in: float = 3600) -> str:
        """Make a token.

        Args:
            roles: What it allows: ``"read"``, ``"write"``, ``"admin"``. A route for writers needs
                read and write, one for administrators all three.
            username: Whose it is.
            expires_in: For how many seconds it is valid; a negative number makes one that has run
                out.
        """
        return self._up.issuer.issue(
            username, roles_of(*roles), expires_in, email=f"{username}@example.org"
        )

    def auth(self, *roles: str, username: str = "sandbox") -> BearerToken:
        """Make an auth manager for a client, whose token does not run out while it is used.

        Args:
            roles: What it allows, as for :meth:`token`.
            username: Whose tokens it gives.
        """
        lifetime = 3600.0
        made, token = 0.0, ""

        def current() -> str:
            nonlocal made, token
            # Not for every call: signing takes longer than many a call.
            if time.monotonic() - made > lifetime / 2 or not token:
                made, token = time.monotonic(), self.token(*roles, username=username)
            return token

        return BearerToken(current)

    def items(self, item_subtype: str | None = None) -> list[Item]:
        """List what the sandbox holds, the oldest first.

        Args:
            item_subtype: Only items of this subtype, such as ``"MODEL_RUN"``.
        """
        return self._up.store.items(item_subtype)
