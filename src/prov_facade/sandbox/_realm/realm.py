"""A minimal Keycloak realm, with device logins and client credentials.

Clients with a secret must send it. Public clients need no setup: any other id is accepted. People
sign in by approving a device login, on a page of the realm or with :meth:`Realm.approve`. As usual,
APIs verify tokens without contacting the realm: an access token stays valid until it expires, even
after its session has ended.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Iterable, Mapping
from enum import Enum

import attrs
from attrs import define, frozen

from prov_facade.sandbox._http.claims import Claims
from prov_facade.sandbox._realm.tokens import TokenIssuer, email_of, roles_of

# RFC 8628: the increase of the polling interval of a device that polls too often.
_SLOW_DOWN = 5
# No vowels or similar characters, as RFC 8628 recommends.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")


@frozen
class Client:
    """A client with a secret, which can obtain tokens for itself.

    Attributes:
        secret: The secret.
        roles: The short names of the roles of its tokens.

    Raises:
        ValueError: If a role does not exist.
    """

    secret: str = attrs.field(repr=False)
    roles: tuple[str, ...] = attrs.field(
        default=("read",), validator=lambda _self, _field, names: roles_of(*names)
    )


class _Decision(Enum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


@frozen
class Person:
    """A person who signs in, or the service account of a client.

    Attributes:
        username: The user name.
        roles: The realm roles.
        email: The email address.
    """

    username: str
    roles: tuple[str, ...]
    email: str | None


@define
class _Login:
    """A device login."""

    client_id: str
    user_code: str
    scope: str
    expires: float
    interval: float
    polled: float | None = None
    decision: _Decision = _Decision.PENDING
    person: Person | None = None


class OAuthError(Exception):
    """An error of RFC 6749.

    Attributes:
        error: The error code.
        description: The human-readable description.
        status: The status of the response.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class Realm:
    """A realm: its clients, device logins and sessions.

    Args:
        name: The name, which is part of the URL.
        issuer: Issues the tokens. The realm uses its clock.
        clients: The clients with a secret, by id.
        access_lifetime: The lifetime of access tokens in seconds.
        refresh_lifetime: The lifetime of refresh tokens in seconds.
        offline_lifetime: The lifetime of offline tokens in seconds: refresh tokens with the scope
            ``offline_access``.
        device_lifetime: The lifetime of device logins in seconds.
        interval: The interval in seconds at which devices may poll.
        single_use: Whether a refresh token can be used only once. Using it again ends the session.

    Raises:
        ValueError: If the name cannot be part of a URL.
    """

    def __init__(
        self,
        name: str,
        issuer: TokenIssuer,
        *,
        clients: Mapping[str, Client] | None = None,
        access_lifetime: float = 300,
        refresh_lifetime: float = 1800,
        offline_lifetime: float = 30 * 24 * 3600,
        device_lifetime: float = 600,
        interval: float = 5,
        single_use: bool = False,
    ) -> None:
        if not name or not _UNRESERVED.issuperset(name):
            raise ValueError(f"{name!r} cannot be the name of a realm, which is part of a URL")
        self.name = name
        self.access_lifetime = access_lifetime
        self.refresh_lifetime = refresh_lifetime
        self.offline_lifetime = offline_lifetime
        self.device_lifetime = device_lifetime
        self.interval = interval
        self.single_use = single_use
        self._settings = {
            "access_lifetime": access_lifetime,
            "refresh_lifetime": refresh_lifetime,
            "offline_lifetime": offline_lifetime,
            "device_lifetime": device_lifetime,
            "interval": interval,
            "single_use": single_use,
        }
        self._now = issuer.now
        self._clients = dict(clients or {})
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._ended_sessions: set[str] = set()
        self._used_tokens: set[str] = set()

    def reset(self) -> None:
        """Delete all logins and sessions, and restore the settings of the constructor."""
        with self._lock:
            self._logins.clear()
            self._ended_sessions.clear()
            self._used_tokens.clear()
        for name, value in self._settings.items():
            setattr(self, name, value)

    # People

    def approve(
        self,
        user_code: str,
        username: str = "sandbox",
        roles: Iterable[str] = ("read", "write"),
        *,
        email: str | None = None,
    ) -> None:
        """Approve a device login.

        Args:
            user_code: The code shown by the device. Case and dashes are ignored.
            username: The user who signs in.
            roles: The short names of the roles of the tokens.
            email: The email address of the user; an address at example.org by default.

        Raises:
            LookupError: If no login with this code is pending.
            ValueError: If the user name is empty or a role is unknown.
        """
        if not username:
            raise ValueError("the user name is empty")
        person = Person(username, roles_of(*roles), email or email_of(username))
        self._decide(user_code, _Decision.APPROVED, person)

    def deny(self, user_code: str) -> None:
        """Deny a device login.

        Raises:
            LookupError: If no login with this code is pending.
        """
        self._decide(user_code, _Decision.DENIED, None)

    def _decide(self, user_code: str, decision: _Decision, person: Person | None) -> None:
        wanted = _normalized(user_code)
        with self._lock:
            for login in self._logins.values():
                if (
                    _normalized(login.user_code) == wanted
                    and login.decision is _Decision.PENDING
                    and self._now() < login.expires
                ):
                    login.decision, login.person = decision, person
                    return
        raise LookupError(f"no device login with the code {user_code!r} is pending")

    # Clients

    def check_client(self, client_id: str | None, secret: str | None) -> str:
        """Authenticate a client, and return its id.

        Raises:
            OAuthError: If the id is missing or the secret is wrong.
        """
        if not client_id:
            raise OAuthError("invalid_client", "Parameter client_id is missing.", 401)
        client = self._clients.get(client_id)
        if client and not secrets.compare_digest(client.secret.encode(), (secret or "").encode()):
            raise OAuthError("invalid_client", "Invalid client or invalid client credentials.", 401)
        return client_id

    def start_login(self, client_id: str, scope: str) -> tuple[str, str]:
        """Start a device login, and return the device code and the user code."""
        with self._lock:
            now = self._now()
            # Expired logins are kept for a while, so that the device learns that they expired.
            self._logins = {
                code: login
                for code, login in self._logins.items()
                if now < login.expires + self.device_lifetime
            }
            used = {login.user_code for login in self._logins.values()}
            while (user_code := _user_code()) in used:
                pass
            device_code = secrets.token_urlsafe(32)
            self._logins[device_code] = _Login(
                client_id, user_code, scope, now + self.device_lifetime, self.interval
            )
        return device_code, user_code

    def finish_login(self, client_id: str, device_code: str) -> tuple[Person, str]:
        """Complete a device login, and return the person who approved it and the scope.

        Raises:
            OAuthError: If it has not been approved.
        """
        with self._lock:
            login = self._logins.get(device_code)
            if login is None or login.client_id != client_id:
                raise OAuthError("invalid_grant", "The device code is not valid.")
            now = self._now()
            if now >= login.expires:
                raise OAuthError("expired_token", "The device code has expired.")
            last, login.polled = login.polled, now
            if last is not None and now - last < login.interval:
                login.interval += _SLOW_DOWN
                raise OAuthError("slow_down", "The device polls too often.")
            if login.decision is _Decision.DENIED:
                raise OAuthError("access_denied", "The login was denied.")
            if login.person is None:
                raise OAuthError("authorization_pending", "The login is waiting for approval.")
            del self._logins[device_code]
            return login.person, login.scope

    def client_roles(self, client_id: str) -> tuple[str, ...]:
        """Return the realm roles of an authenticated client.

        Raises:
            OAuthError: If it has no secret, and therefore no service account.
        """
        client = self._clients.get(client_id)
        if client is None:
            raise OAuthError(
                "unauthorized_client",
                "The client has no secret, and therefore no service account.",
                401,
            )
        return roles_of(*client.roles)

    def use_refresh_token(self, claims: Claims) -> None:
        """Use a refresh token.

        Raises:
            OAuthError: If its session has ended, or if it is single-use and has been used.
        """
        with self._lock:
            if self.single_use and claims.token_id in self._used_tokens:
                self._ended_sessions.add(claims.session)
            if claims.session in self._ended_sessions:
                raise OAuthError("invalid_grant", "The session is not active.")
            self._used_tokens.add(claims.token_id)

    def end_session(self, session: str) -> None:
        """End a session: its refresh tokens are no longer valid."""
        with self._lock:
            self._ended_sessions.add(session)


def _user_code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def _normalized(user_code: str) -> str:
    return "".join(user_code.split()).replace("-", "").upper()
