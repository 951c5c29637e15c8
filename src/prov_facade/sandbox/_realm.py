"""A realm in the manner of Keycloak: enough of it to sign in by device, or as a client.

A client is known by its secret if it has one, and otherwise by whatever id it gives itself: public
clients need not be set up. People sign in by approving a device, on a page of the realm or by
:meth:`Realm.approve`. Tokens are checked by APIs without asking the realm, as is usual: an access
token stays good until it runs out, also after its session has ended.
"""

from __future__ import annotations

import base64
import html
import secrets
import string
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import Any, ClassVar, TypeAlias
from urllib.parse import parse_qsl, unquote_plus, urlencode

import attrs
from attrs import define, frozen
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from prov_facade.sandbox._tokens import ROLES, Claims, TokenIssuer, TokenType, roles_of

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

# RFC 8628: how much slower a device has to ask that asked too fast.
_SLOWER = 5
# Without vowels and without what looks alike, as RFC 8628 has it.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

_LONGEST_BODY = 64 * 1024
_OFFLINE = "offline_access"
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

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
class _Person:
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
    person: _Person | None = None


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
        self._now = issuer.now
        self._clients = dict(clients or {})
        for client in self._clients.values():
            roles_of(*client.roles)
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._ended_sessions: set[str] = set()
        self._used_tokens: set[str] = set()

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
        person = _Person(username, roles_of(*roles), email or f"{username}@example.org")
        self._decide(user_code, _Decision.APPROVED, person)

    def deny(self, user_code: str) -> None:
        """Refuse to let a device sign in.

        Raises:
            LookupError: If no device waits under this code.
        """
        self._decide(user_code, _Decision.DENIED, None)

    def _decide(self, user_code: str, decision: _Decision, person: _Person | None) -> None:
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

    def finish_login(self, client_id: str, device_code: str) -> tuple[_Person, str]:
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


def routes(issuer: TokenIssuer, realm: Realm) -> list[Route]:
    """Make the routes of a realm, below ``/auth/realms/<name>``.

    Args:
        issuer: Makes the tokens. Its address is that of the realm.
        realm: The realm.

    Returns:
        The routes.
    """
    return _Endpoints(issuer, realm).routes()


_Form: TypeAlias = dict[str, str]
_Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class _Endpoints:
    def __init__(self, issuer: TokenIssuer, realm: Realm) -> None:
        self._issuer = issuer
        self._realm = realm

    def routes(self) -> list[Route]:
        path = f"/auth/realms/{self._realm.name}"
        oauth = f"{path}/protocol/openid-connect"
        return [
            Route(f"{path}/.well-known/openid-configuration", self._configuration),
            Route(f"{path}/device", self._page),
            Route(f"{path}/device", self._decide, methods=["POST"]),
            Route(f"{oauth}/certs", self._certs),
            Route(f"{oauth}/token", _answering(self._token), methods=["POST"]),
            Route(f"{oauth}/auth/device", _answering(self._device), methods=["POST"]),
            Route(f"{oauth}/revoke", _answering(self._revoke), methods=["POST"]),
            Route(f"{oauth}/logout", _answering(self._logout), methods=["POST"]),
        ]

    async def _configuration(self, _: Request) -> Response:
        issuer = self._issuer.issuer_url
        oauth = f"{issuer}/protocol/openid-connect"
        return JSONResponse(
            {
                "issuer": issuer,
                "token_endpoint": f"{oauth}/token",
                "device_authorization_endpoint": f"{oauth}/auth/device",
                "revocation_endpoint": f"{oauth}/revoke",
                "end_session_endpoint": f"{oauth}/logout",
                "jwks_uri": f"{oauth}/certs",
                "grant_types_supported": list(self._grants),
                "response_types_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["HS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "none",
                ],
                "scopes_supported": ["profile", "email", _OFFLINE],
            }
        )

    async def _certs(self, _: Request) -> Response:
        # The key of the tokens is a shared one, which is not for publication.
        return JSONResponse({"keys": []})

    # OAuth

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        grant = self._grants.get(_parameter(form, "grant_type"))
        if grant is None:
            raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")
        return JSONResponse(grant(self, self._client(request, form), form))

    async def _device(self, request: Request) -> Response:
        form = await _form(request)
        client_id = self._client(request, form)
        device_code, user_code = self._realm.start_login(client_id, form.get("scope", ""))
        page = f"{self._issuer.issuer_url}/device"
        return JSONResponse(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?{urlencode({'user_code': user_code})}",
                "expires_in": self._realm.device_lifetime,
                "interval": self._realm.interval,
            }
        )

    async def _revoke(self, request: Request) -> Response:
        form = await _form(request)
        client_id = self._client(request, form)
        found = self._refresh_claims(_parameter(form, "token"))
        # A token that is good for nothing counts as revoked, RFC 7009.
        if found is not None:
            claims, _ = found
            self._check_owner(claims, client_id)
            self._realm.end_session(claims.session)
        return Response()

    async def _logout(self, request: Request) -> Response:
        form = await _form(request)
        client_id = self._client(request, form)
        found = self._refresh_claims(_parameter(form, "refresh_token"))
        if found is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        claims, _ = found
        self._check_owner(claims, client_id)
        self._realm.end_session(claims.session)
        return Response(status_code=204)

    def _client(self, request: Request, form: _Form) -> str:
        header = request.headers.get("authorization")
        if header is None:
            return self._realm.check_client(form.get("client_id"), form.get("client_secret"))
        return self._realm.check_client(*_basic(header))

    def _refresh_claims(self, token: str) -> tuple[Claims, TokenType] | None:
        kinds: tuple[TokenType, ...] = ("Refresh", "Offline")
        for kind in kinds:
            claims = self._issuer.verify(token, kind)
            if claims is not None:
                return claims, kind
        return None

    def _check_owner(self, claims: Claims, client_id: str) -> None:
        if claims.client_id != client_id:
            raise OAuthError("invalid_grant", "The token was issued to another client.")

    def _by_refresh_token(self, client_id: str, form: _Form) -> dict[str, Any]:
        found = self._refresh_claims(_parameter(form, "refresh_token"))
        if found is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        claims, kind = found
        self._check_owner(claims, client_id)
        self._realm.use(claims)
        person = _Person(claims.username, claims.roles, claims.email)
        return self._tokens(person, client_id, kind, claims.session)

    def _by_device_code(self, client_id: str, form: _Form) -> dict[str, Any]:
        person, scope = self._realm.finish_login(client_id, _parameter(form, "device_code"))
        kind: TokenType = "Offline" if _OFFLINE in scope.split() else "Refresh"
        return self._tokens(person, client_id, kind, secrets.token_hex(16))

    def _by_client_credentials(self, client_id: str, _: _Form) -> dict[str, Any]:
        roles = self._realm.client_roles(client_id)
        person = _Person(f"service-account-{client_id}", roles, None)
        return self._tokens(person, client_id, None, secrets.token_hex(16))

    _grants: ClassVar[dict[str, Callable[[_Endpoints, str, _Form], dict[str, Any]]]] = {
        DEVICE_GRANT: _by_device_code,
        "refresh_token": _by_refresh_token,
        "client_credentials": _by_client_credentials,
    }

    def _tokens(
        self, person: _Person, client_id: str, refresh: TokenType | None, session: str
    ) -> dict[str, Any]:
        """The answer with tokens; a client that has a secret gets along without refreshing."""
        realm = self._realm

        def issue(token_type: TokenType, lifetime: float) -> str:
            return self._issuer.issue(
                person.username,
                person.roles,
                lifetime,
                email=person.email,
                client_id=client_id,
                token_type=token_type,
                session=session,
            )

        answer = {
            "access_token": issue("Bearer", realm.access_lifetime),
            "expires_in": realm.access_lifetime,
            # Keycloak's way to say that it does not run out, or that there is none.
            "refresh_expires_in": realm.refresh_lifetime if refresh == "Refresh" else 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": session,
            "scope": f"profile email {_OFFLINE}" if refresh == "Offline" else "profile email",
        }
        if refresh is not None:
            lifetime = realm.refresh_lifetime if refresh == "Refresh" else realm.offline_lifetime
            answer["refresh_token"] = issue(refresh, lifetime)
        return answer

    # The page for people

    async def _page(self, request: Request) -> Response:
        return _page(_FORM.format(code=html.escape(request.query_params.get("user_code", ""))))

    async def _decide(self, request: Request) -> Response:
        try:
            form = await _form(request, repeated="roles")
            said = self._decided(form)
        except OAuthError as error:
            reason = error.description
        except (LookupError, ValueError) as error:
            reason = f"{error}."
        else:
            return _page(f"<p>{said}</p>")
        return _page(f"<p>Nothing was done: {html.escape(reason)}</p>", status=400)

    def _decided(self, form: _Form) -> str:
        code = _parameter(form, "user_code")
        match _parameter(form, "decision"):
            case "approve":
                username = form.get("username", "").strip()
                self._realm.approve(code, username, form.get("roles", "").split())
                return "The device is signed in. You can close this page."
            case "deny":
                self._realm.deny(code)
                return "The device was denied."
            case _:
                raise OAuthError("invalid_request", "The decision is to approve or to deny.")


def _answering(handler: _Handler) -> _Handler:
    """Answer errors as OAuth has it, and let nothing be kept."""

    async def handle(request: Request) -> Response:
        try:
            response = await handler(request)
        except OAuthError as error:
            response = JSONResponse(
                {"error": error.error, "error_description": error.description},
                status_code=error.status,
            )
            if error.status == 401 and "authorization" in request.headers:
                response.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
        response.headers.update(_NO_STORE)
        return response

    return handle


async def _form(request: Request, *, repeated: str | None = None) -> _Form:
    """Read a form. Of its parameters, ``repeated`` alone may: its values are joined by spaces.

    Raises:
        OAuthError: If it is not one.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "The body is not a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise OAuthError("invalid_request", "The body is too long.", 413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form.") from None
    form: _Form = {}
    for name, value in pairs:
        if name not in form:
            form[name] = value
        elif name == repeated:
            form[name] += f" {value}"
        else:
            raise OAuthError("invalid_request", f"Parameter {name} is given more than once.")
    return form


def _basic(header: str) -> tuple[str, str]:
    """Read the id and the secret of a client from an ``Authorization`` header."""
    scheme, _, credentials = header.partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        text = ""
    if scheme.lower() != "basic" or ":" not in text:
        raise OAuthError("invalid_client", "The Authorization header is not Basic.", 401)
    client_id, _, secret = text.partition(":")
    # Both are encoded like a form, RFC 6749.
    return unquote_plus(client_id), unquote_plus(secret)


def _parameter(form: _Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"Parameter {name} is missing.")
    return value


def _user_code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def _normal(user_code: str) -> str:
    return "".join(user_code.split()).replace("-", "").upper()


_FORM = f"""
<form method="post">
<p><label>Code shown by the device <input name="user_code" value="{{code}}" required></label></p>
<p><label>Sign in as <input name="username" value="sandbox"></label></p>
<p>{
    "".join(
        f'<label><input type="checkbox" name="roles" value="{name}"'
        f"{'' if name == 'admin' else ' checked'}> {name}</label> "
        for name in ROLES
    )
}</p>
<p><button name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button></p>
</form>
"""


def _page(content: str, *, status: int = 200) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in a device</title>'
        f"<h1>Sign in a device</h1>{content}</html>",
        status_code=status,
        # Not to be shown in somebody else's page, whose reader would click without knowing.
        headers={
            **_NO_STORE,
            "Content-Security-Policy": "default-src 'none'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'",
        },
    )
