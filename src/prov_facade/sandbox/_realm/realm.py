"""A realm in the manner of Keycloak: enough of it to sign in by device, or as a client.

A client is known by its secret if it has one, and otherwise by whatever id it gives itself: public
clients need not be set up. People sign in by approving a device, on a page of the realm or by
:meth:`Realm.approve`. Tokens are checked by APIs without asking the realm, as is usual: an access
token stays good until it runs out, also after its session has ended.
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
from prov_facade.sandbox._realm.tokens import TokenIssuer, roles_of

# RFC 8628: how much slower a device has to ask that asked too fast.
_SLOWER = 5
# Without vowels and without what looks alike, as RFC 8628 has it.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

_PLAIN = frozenset(string.ascii_letters + string.digits + "-._~")


@frozen
class Client:
    """A client with a secret, which can get tokens of its own.

    Attributes:
        secret: The secret.
        roles: The short names of the roles that its tokens have.
    """

    secret: str = attrs.field(repr=False)
    roles: tuple[str, ...] = ("read",)


class _Decision(Enum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


@frozen
class Person:
    """Somebody who signs in, or the account of a client.

    Attributes:
        username: The user name.
        roles: The realm roles.
        email: The address.
    """

    username: str
    roles: tuple[str, ...]
    email: str | None


@define
class _Login:
    """A device that waits for somebody to approve it."""

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
        error: Its code.
        description: What is wrong, for a person.
        status: The status of the answer.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class Realm:
    """What a realm knows: its clients, the devices that wait, and the sessions that have ended.

    Args:
        name: Its name, which is part of its address.
        issuer: Makes its tokens. Its clock is that of the realm.
        clients: The clients with a secret, by id.
        access_lifetime: For how many seconds access tokens are good.
        refresh_lifetime: For how many seconds refresh tokens are good.
        offline_lifetime: For how many seconds offline tokens are good, refresh tokens of the scope
            ``offline_access``.
        device_lifetime: For how many seconds a device waits to be approved.
        interval: How many seconds a device has to wait before it asks again.
        single_use: Whether a refresh token is good for one time. Used again, it ends the session.

    Raises:
        ValueError: If the name cannot stand in an address, or a client has an unknown role.
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
        if not name or not _PLAIN.issuperset(name):
            raise ValueError(f"{name!r} cannot be the name of a realm: it is part of an address")
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
        for client in self._clients.values():
            roles_of(*client.roles)
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._ended_sessions: set[str] = set()
        self._used_tokens: set[str] = set()

    def reset(self) -> None:
        """Forget all logins and sessions, and restore the settings of the constructor."""
        with self._lock:
            self._logins.clear()
            self._ended_sessions.clear()
            self._used_tokens.clear()
        for name, value in self._settings.items():
            setattr(self, name, value)

    # What a person does

    def approve(
        self,
        user_code: str,
        username: str = "sandbox",
        roles: Iterable[str] = ("read", "write"),
        *,
        email: str | None = None,
    ) -> None:
        """Let a device sign in.

        Args:
            user_code: The code that it shows. Case and dashes do not matter.
            username: As whom.
            roles: The short names of the roles that its tokens get.
            email: The address of the person; without it, one at example.org.

        Raises:
            LookupError: If no device waits under this code.
            ValueError: If the user name is empty or a role is unknown.
        """
        if not username:
            raise ValueError("the user name is empty")
        person = Person(username, roles_of(*roles), email or f"{username}@example.org")
        self._decide(user_code, _Decision.APPROVED, person)

    def deny(self, user_code: str) -> None:
        """Refuse to let a device sign in.

        Raises:
            LookupError: If no device waits under this code.
        """
        self._decide(user_code, _Decision.DENIED, None)

    def _decide(self, user_code: str, decision: _Decision, person: Person | None) -> None:
        wanted = _normal(user_code)
        with self._lock:
            for login in self._logins.values():
                if (
                    _normal(login.user_code) == wanted
                    and login.decision is _Decision.PENDING
                    and self._now() < login.expires
                ):
                    login.decision, login.person = decision, person
                    return
        raise LookupError(f"no device waits under the code {user_code!r}")

    # What a client does

    def check_client(self, client_id: str | None, secret: str | None) -> str:
        """Make sure that a client is who it says.

        Raises:
            OAuthError: If it is not, or does not say.
        """
        if not client_id:
            raise OAuthError("invalid_client", "Parameter client_id is missing.", 401)
        client = self._clients.get(client_id)
        if client and not secrets.compare_digest(client.secret.encode(), (secret or "").encode()):
            raise OAuthError("invalid_client", "Invalid client or invalid client credentials.", 401)
        return client_id

    def start_login(self, client_id: str, scope: str) -> tuple[str, str]:
        """Let a device wait. Returns its device code and its user code."""
        with self._lock:
            now = self._now()
            # What ran out is kept for a while, so that a device is told that it did.
            self._logins = {
                code: login
                for code, login in self._logins.items()
                if now < login.expires + self.device_lifetime
            }
            taken = {login.user_code for login in self._logins.values()}
            while (user_code := _user_code()) in taken:
                pass
            device_code = secrets.token_urlsafe(32)
            self._logins[device_code] = _Login(
                client_id, user_code, scope, now + self.device_lifetime, self.interval
            )
        return device_code, user_code

    def finish_login(self, client_id: str, device_code: str) -> tuple[Person, str]:
        """Ask whether a device was approved. Returns by whom, and the scope.

        Raises:
            OAuthError: If it was not.
        """
        with self._lock:
            login = self._logins.get(device_code)
            if login is None or login.client_id != client_id:
                raise OAuthError("invalid_grant", "The device code is not valid.")
            now = self._now()
            if now >= login.expires:
                raise OAuthError("expired_token", "The device code has run out.")
            last, login.polled = login.polled, now
            if last is not None and now - last < login.interval:
                login.interval += _SLOWER
                raise OAuthError("slow_down", "Ask less often.")
            if login.decision is _Decision.DENIED:
                raise OAuthError("access_denied", "The login was denied.")
            if login.person is None:
                raise OAuthError("authorization_pending", "The login still waits for approval.")
            del self._logins[device_code]
            return login.person, login.scope

    def client_roles(self, client_id: str) -> tuple[str, ...]:
        """Return the realm roles of a client that was checked.

        Raises:
            OAuthError: If it has no secret, and so no account of its own.
        """
        client = self._clients.get(client_id)
        if client is None:
            raise OAuthError(
                "unauthorized_client", "The client has no secret, and no account of its own.", 401
            )
        return roles_of(*client.roles)

    def use(self, claims: Claims) -> None:
        """Use a refresh token.

        Raises:
            OAuthError: If its session has ended, or it was used before and must not be.
        """
        with self._lock:
            if self.single_use and claims.token_id in self._used_tokens:
                self._ended_sessions.add(claims.session)
            if claims.session in self._ended_sessions:
                raise OAuthError("invalid_grant", "The session is not active.")
            self._used_tokens.add(claims.token_id)

    def end_session(self, session: str) -> None:
        """End a session: its refresh tokens are good no more."""
        with self._lock:
            self._ended_sessions.add(session)


def _user_code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def _normal(user_code: str) -> str:
    return "".join(user_code.split()).replace("-", "").upper()
