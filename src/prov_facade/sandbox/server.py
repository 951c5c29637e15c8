"""The sandbox server."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

from attrs import define, field
from starlette.middleware import Middleware

from prov_facade._checks import check_choice, check_count
from prov_facade.auth import BearerToken
from prov_facade.config import APIOverrides, Config, check_address
from prov_facade.models import ItemSubType
from prov_facade.sandbox._http.app import (
    JOB_API,
    Services,
    application,
    operation_ids,
    routes,
)
from prov_facade.sandbox._http.claims import Verify
from prov_facade.sandbox._http.interception import Interceptor
from prov_facade.sandbox._http.job_handlers import JobHandlers
from prov_facade.sandbox._http.prov_handlers import ProvHandlers
from prov_facade.sandbox._http.recording import Received, RequestLog
from prov_facade.sandbox._http.report_urls import report_url
from prov_facade.sandbox._http.server_thread import ServerThread
from prov_facade.sandbox._realm.realm import Client, Realm
from prov_facade.sandbox._realm.routes import OPERATIONS as REALM_OPERATIONS
from prov_facade.sandbox._realm.routes import routes as realm_routes
from prov_facade.sandbox._realm.tokens import (
    TokenIssuer,
    TokenSource,
    email_of,
    new_signing_key,
    roles_of,
)
from prov_facade.sandbox._realm.trust import TrustedIssuer
from prov_facade.sandbox._state.jobs import JobDelays, Jobs
from prov_facade.sandbox._state.registry import JOB_SUB_TYPES, Registry, seeded_rows
from prov_facade.sandbox._state.seed import load
from prov_facade.sandbox._state.store import Item, Rows, StateError, Store
from prov_facade.sandbox.faults import Faults

REALM = "sandbox"
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (only for comparison)


@define
class _Running:
    """The parts of a running sandbox."""

    url: str
    store: Store
    issuer: TokenIssuer
    realm: Realm
    jobs: Jobs
    interceptor: Interceptor
    server: ServerThread
    resources: ExitStack = field(factory=ExitStack)


def _url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = _LOOPBACK.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Sandbox:
    """A prov-api and a job-api in this process, with their data in SQLite.

    A sandbox listens on a loopback port, in its own thread. It runs for the duration of a ``with``
    block, or from :meth:`start` to :meth:`stop`. Any number of sandboxes can run side by side.

    Args:
        report_style: How ``generate_report`` responds: ``"job"`` returns the session id of a job;
            ``"document"`` returns the report itself, as servers did until early 2026.
        links_key: The name of the list of links in a lineage graph: ``"links"``, or ``"edges"``, as
            some servers before May 2026 named it.
        max_depth: The maximum ``depth`` of lineage queries, a setting of a deployment.
        state: A file that keeps the data; without it, they are kept in memory.
        seed: A YAML file with the initial data; a small reef-modelling study by default. The
            comment at the top of that file, ``seed.yaml`` in this package, describes the format.
        delays: How long jobs stay in each state.
        clients: Clients with a secret that can sign in as themselves, by id.
        trusted_issuer: The URL of another issuer, such as a Keycloak realm, whose access tokens are
            accepted as well: JWTs signed with RS256 that carry Keycloak's claims. Its public keys
            are fetched at the start, and clients sign in there.
        host: The address to listen on. Other machines can reach any address except loopback.
        port: The port; any free port by default.
        record: Whether to record requests in :attr:`requests`.

    Attributes:
        faults: The faults to inject.
        delays: How long jobs stay in each state. A new value applies to the states that jobs enter
            from then on.

    Raises:
        ConfigError: If ``trusted_issuer`` is not a URL, or tokens would be sent to it unencrypted.

    Examples:
        >>> with Sandbox() as sandbox:
        ...     client = ProvClient(sandbox.auth("read"), sandbox.config)
    """

    # For tests of the sandbox itself.
    _middleware: ClassVar[Sequence[Middleware]] = ()

    def __init__(
        self,
        *,
        report_style: Literal["document", "job"] = "job",
        links_key: Literal["links", "edges"] = "links",
        max_depth: int = 10,
        state: str | Path | None = None,
        seed: str | Path | None = None,
        delays: JobDelays | None = None,
        clients: Mapping[str, Client] | None = None,
        trusted_issuer: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        record: bool = True,
    ) -> None:
        check_choice("report_style", report_style, ("document", "job"), error=ValueError)
        check_choice("links_key", links_key, ("links", "edges"), error=ValueError)
        self._report_style = report_style
        self._links_key = links_key
        check_count("max_depth", max_depth, error=ValueError)
        self._max_depth = max_depth
        self._state = None if state is None else Path(state)
        self._seed = None if seed is None else Path(seed)
        self.delays = self._initial_delays = delays or JobDelays()
        self._clients = clients
        if trusted_issuer is not None:
            check_address("trusted_issuer", trusted_issuer, allow_http=False)
        self._trusted_issuer = trusted_issuer
        self._host = host
        self._port = port
        self._log = RequestLog(enabled=record)
        self._running: _Running | None = None
        self._reset_lock = threading.Lock()
        self.faults = Faults([*operation_ids(), *REALM_OPERATIONS], JOB_SUB_TYPES)

    def __repr__(self) -> str:
        return f"<Sandbox at {self.url}>" if self.is_running else "<Sandbox, not running>"

    def start(self) -> Self:
        """Start listening.

        Raises:
            IssuerError: If the public keys of ``trusted_issuer`` cannot be fetched.
            OSError: If the port is in use, or the host is not an address of this machine.
            RuntimeError: If the sandbox is already running.
            SeedError: If the seed file cannot be used.
            StateError: If the state file cannot be used.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is already running")
        with ExitStack() as resources:
            listener = resources.enter_context(self._listen())
            store = resources.enter_context(Store(self._state))
            with self._state_errors():
                self._running = self._serve(listener, store)
            self._running.resources = resources.pop_all()
        return self

    def _listen(self) -> socket.socket:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        listener = socket.create_server(address[:2], family=family)
        # Accepted connections inherit this option. asyncio sets it only on sockets created with an
        # explicit protocol; without it, a response sent in two parts waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener

    def _serve(self, listener: socket.socket, store: Store) -> _Running:
        url = _url_of(listener)
        key = store.secret("key", _new_key)
        signing_key = store.secret("signing key", new_signing_key)
        issuer = TokenIssuer(f"{url}/auth/realms/{REALM}", key=key, signing_key=signing_key)
        issuer.refresh_key = store.secret("refresh key", _new_key)
        realm = Realm(REALM, issuer, clients=self._clients)
        registry = Registry(store)
        if not store.items():
            store.insert_rows(self._seeded_rows())
        jobs = Jobs(store, registry.processors(lambda: jobs), self.faults, lambda: self.delays)
        prov_handlers = ProvHandlers(
            registry,
            jobs,
            report_style=self._report_style,
            links_key=self._links_key,
            max_depth=self._max_depth,
        )
        handlers = {
            **prov_handlers.table(),
            **JobHandlers(jobs, lambda base, job: report_url(base, key, job)).table(),
        }
        self._log.clear()
        interceptor = Interceptor(self._log, self.faults)
        services = Services(store, self._verify(issuer), handlers, key)
        app = application(
            [*routes(services, interceptor), *realm_routes(issuer, realm, interceptor)],
            interceptor,
            self._middleware,
        )
        server = ServerThread(app, listener)
        server.start()
        jobs.start()
        return _Running(url, store, issuer, realm, jobs, interceptor, server)

    def _seeded_rows(self) -> Rows:
        return seeded_rows(load(self._seed))

    def _verify(self, issuer: TokenIssuer) -> Verify:
        """Return the function that verifies the tokens of callers."""
        if self._trusted_issuer is None:
            return issuer.verify
        trusted = TrustedIssuer(self._trusted_issuer)
        return lambda token: issuer.verify(token) or trusted.verify(token)

    @contextmanager
    def _state_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(f"{self._state} cannot be used: {error}") from error

    def reset(self) -> None:
        """Reset a running sandbox to its initial state, in a few milliseconds.

        All data are replaced with those of the seed file, which is read again. Jobs, reports,
        faults, recorded requests, logins and sessions of the realm are deleted, and :attr:`delays`
        and the settings of :attr:`realm` return to their initial values.

        Nothing that was in progress has an effect afterwards: jobs are discarded; requests being
        handled are finished first; requests still being received or delayed by a fault lose their
        connection. Requests that arrive during the reset wait until it ends.

        The URL and the keys do not change: existing clients, auth managers and access tokens keep
        working. Refresh and offline tokens become invalid, since their sessions are deleted.

        A state file is reset as well, in one transaction.

        Raises:
            RuntimeError: If the sandbox is not running.
            SeedError: If the seed file cannot be used. Nothing is reset.
            StateError: If the state file cannot be written. Its data are unchanged.
        """
        running = self._started
        rows = self._seeded_rows()
        with self._reset_lock:
            running.server.run(running.interceptor.pause())
            running.jobs.stop()
            try:
                with self._state_errors(), running.store.transaction():
                    running.store.clear()
                    running.store.insert_rows(rows)
                    refresh_key = running.store.secret("refresh key", _new_key, renew=True)
                running.issuer.refresh_key = refresh_key
                running.realm.reset()
                self.faults.clear()
                self.delays = self._initial_delays
                self._log.clear()
            finally:
                running.jobs.start()
                running.server.run(running.interceptor.resume())

    def stop(self) -> None:
        """Stop listening. A state file keeps its data."""
        running, self._running = self._running, None
        if running is None:
            return
        running.server.stop()
        running.jobs.stop()
        running.resources.close()

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
    def _started(self) -> _Running:
        if self._running is None:
            raise RuntimeError(
                "the sandbox is not running: use it in a with block, or call start()"
            )
        return self._running

    @property
    def is_running(self) -> bool:
        """Whether the sandbox has been started and not stopped."""
        return self._running is not None

    @property
    def url(self) -> str:
        """The URL of the prov-api, for clients on this machine."""
        return self._started.url

    @property
    def realm(self) -> Realm:
        """The realm where people and clients sign in."""
        return self._started.realm

    @property
    def config(self) -> Config:
        """A configuration that connects a client to the sandbox."""
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
        """The requests received so far, in order."""
        return self._log.all()

    def clear_requests(self) -> None:
        """Delete the recorded requests."""
        self._log.clear()

    def token(self, *roles: str, username: str = "sandbox", expires_in: float = 3600) -> str:
        """Create an access token.

        Args:
            roles: The roles of the token: ``"read"``, ``"write"``, ``"admin"``. A route for writers
                needs read and write; a route for administrators needs all three.
            username: The user name.
            expires_in: The lifetime in seconds; a negative number creates an expired token.

        Raises:
            ValueError: If a role does not exist.
        """
        return self._started.issuer.issue(
            username, roles_of(*roles), expires_in, email=email_of(username)
        )

    def auth(self, *roles: str, username: str = "sandbox") -> BearerToken:
        """Create an auth manager for a client. It renews its token before the token expires.

        It can be pickled, and then includes the key with which the sandbox signs tokens.

        Args:
            roles: The roles of the tokens, as for :meth:`token`.
            username: The user name.

        Raises:
            ValueError: If a role does not exist.
        """
        return BearerToken(TokenSource(self._started.issuer, username, roles))

    def items(self, item_subtype: str | None = None) -> list[Item]:
        """Return the items in the sandbox, oldest first.

        Args:
            item_subtype: Return only items of this subtype, such as ``"MODEL_RUN"``.

        Raises:
            ValueError: If the subtype does not exist.
        """
        if item_subtype is not None:
            check_choice("item_subtype", item_subtype, ItemSubType, error=ValueError)
        return self._started.store.items(item_subtype)


def _new_key() -> bytes:
    return secrets.token_bytes(32)
