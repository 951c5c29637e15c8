"""The OpenID Connect routes of a realm."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prov_facade.sandbox._http.claims import Claims
from prov_facade.sandbox._http.interception import Endpoint, Interceptor
from prov_facade.sandbox._realm.forms import Form, basic_credentials, parameter, read_form
from prov_facade.sandbox._realm.page import NO_STORE, Page
from prov_facade.sandbox._realm.realm import OAuthError, Person, Realm
from prov_facade.sandbox._realm.tokens import TokenIssuer, TokenType

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OFFLINE = "offline_access"
_OAUTH = "/protocol/openid-connect"

OPERATIONS = {
    "realm": ("GET", ""),
    "openid_configuration": ("GET", "/.well-known/openid-configuration"),
    "jwks": ("GET", f"{_OAUTH}/certs"),
    "token": ("POST", f"{_OAUTH}/token"),
    "device_authorization": ("POST", f"{_OAUTH}/auth/device"),
    "revocation": ("POST", f"{_OAUTH}/revoke"),
    "end_session": ("POST", f"{_OAUTH}/logout"),
    "device_page": ("GET", "/device"),
    "device_decision": ("POST", "/device"),
}
"""The method of each operation, and its path below the realm."""
_METADATA = {
    "token_endpoint": "token",
    "device_authorization_endpoint": "device_authorization",
    "revocation_endpoint": "revocation",
    "end_session_endpoint": "end_session",
    "jwks_uri": "jwks",
}


def routes(issuer: TokenIssuer, realm: Realm, interceptor: Interceptor) -> list[Route]:
    """Create the routes of a realm, below ``/auth/realms/<name>``.

    Args:
        issuer: Issues the tokens. Its URL is that of the realm.
        realm: The realm.
        interceptor: Wraps the endpoints. Operations are named after OpenID Connect metadata.
    """
    handlers, page = _Handlers(issuer, realm), Page(realm)
    endpoints: dict[str, Endpoint] = {
        "realm": handlers.about,
        "openid_configuration": handlers.configuration,
        "jwks": handlers.certs,
        "token": _oauth_endpoint(handlers.token),
        "device_authorization": _oauth_endpoint(handlers.device),
        "revocation": _oauth_endpoint(handlers.revoke),
        "end_session": _oauth_endpoint(handlers.logout),
        "device_page": page.show,
        "device_decision": page.decide,
    }
    path = f"/auth/realms/{realm.name}"
    return [
        Route(
            path + below, interceptor.wrap(operation_id, endpoints[operation_id]), methods=[method]
        )
        for operation_id, (method, below) in OPERATIONS.items()
    ]


class _Handlers:
    def __init__(self, issuer: TokenIssuer, realm: Realm) -> None:
        self._issuer = issuer
        self._realm = realm

    async def about(self, request: Request) -> Response:
        # Keycloak's own metadata, which predate the standard. Clients read the key from them.
        return JSONResponse(
            {
                "realm": self._realm.name,
                "public_key": self._issuer.public_key,
                "token-service": f"{self._url(request)}{_OAUTH}",
                "account-service": f"{self._url(request)}/account",
                "tokens-not-before": 0,
            }
        )

    def _url(self, request: Request) -> str:
        """Return the URL of the realm, with the host that the client used."""
        return f"{request.base_url}auth/realms/{self._realm.name}"

    async def configuration(self, request: Request) -> Response:
        url = self._url(request)
        return JSONResponse(
            {
                "issuer": self._issuer.issuer_url,
                **{
                    entry: url + OPERATIONS[operation_id][1]
                    for entry, operation_id in _METADATA.items()
                },
                "grant_types_supported": list(self._grants),
                "response_types_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "none",
                ],
                "scopes_supported": ["profile", "email", _OFFLINE],
            }
        )

    async def certs(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._issuer.public_jwk]})

    # OAuth

    async def token(self, request: Request) -> Response:
        form = await read_form(request)
        grant = self._grants.get(parameter(form, "grant_type"))
        if grant is None:
            raise OAuthError("unsupported_grant_type", "This grant_type is not supported.")
        return JSONResponse(grant(self, self._client(request, form), form))

    async def device(self, request: Request) -> Response:
        form = await read_form(request)
        client_id = self._client(request, form)
        device_code, user_code = self._realm.start_login(client_id, form.get("scope", ""))
        page = f"{self._url(request)}/device"
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

    async def revoke(self, request: Request) -> Response:
        form = await read_form(request)
        client_id = self._client(request, form)
        verified = self._refresh_claims(parameter(form, "token"))
        # An invalid token counts as revoked (RFC 7009).
        if verified is not None:
            claims, _ = verified
            self._check_owner(claims, client_id)
            self._realm.end_session(claims.session)
        return Response()

    async def logout(self, request: Request) -> Response:
        form = await read_form(request)
        client_id = self._client(request, form)
        verified = self._refresh_claims(parameter(form, "refresh_token"))
        if verified is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        claims, _ = verified
        self._check_owner(claims, client_id)
        self._realm.end_session(claims.session)
        return Response(status_code=204)

    def _client(self, request: Request, form: Form) -> str:
        header = request.headers.get("authorization")
        if header is None:
            return self._realm.check_client(form.get("client_id"), form.get("client_secret"))
        return self._realm.check_client(*basic_credentials(header))

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

    def _by_refresh_token(self, client_id: str, form: Form) -> dict[str, Any]:
        verified = self._refresh_claims(parameter(form, "refresh_token"))
        if verified is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        claims, kind = verified
        self._check_owner(claims, client_id)
        self._realm.use_refresh_token(claims)
        person = Person(claims.username, claims.roles, claims.email)
        return self._tokens(person, client_id, kind, claims.session)

    def _by_device_code(self, client_id: str, form: Form) -> dict[str, Any]:
        person, scope = self._realm.finish_login(client_id, parameter(form, "device_code"))
        kind: TokenType = "Offline" if _OFFLINE in scope.split() else "Refresh"
        return self._tokens(person, client_id, kind, secrets.token_hex(16))

    def _by_client_credentials(self, client_id: str, _: Form) -> dict[str, Any]:
        roles = self._realm.client_roles(client_id)
        person = Person(f"service-account-{client_id}", roles, None)
        return self._tokens(person, client_id, None, secrets.token_hex(16))

    _grants: ClassVar[dict[str, Callable[[_Handlers, str, Form], dict[str, Any]]]] = {
        DEVICE_GRANT: _by_device_code,
        "refresh_token": _by_refresh_token,
        "client_credentials": _by_client_credentials,
    }

    def _tokens(
        self, person: Person, client_id: str, refresh: TokenType | None, session: str
    ) -> dict[str, Any]:
        """Return a token response. Clients that sign in with their secret get no refresh token."""
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

        response = {
            "access_token": issue("Bearer", realm.access_lifetime),
            "expires_in": realm.access_lifetime,
            # In Keycloak, 0 means that the token does not expire, or that there is no token.
            "refresh_expires_in": realm.refresh_lifetime if refresh == "Refresh" else 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": session,
            "scope": f"profile email {_OFFLINE}" if refresh == "Offline" else "profile email",
        }
        if refresh is not None:
            lifetime = realm.refresh_lifetime if refresh == "Refresh" else realm.offline_lifetime
            response["refresh_token"] = issue(refresh, lifetime)
        return response


def _oauth_endpoint(handler: Endpoint) -> Endpoint:
    """Respond to errors as OAuth requires, and forbid caching."""

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
        response.headers.update(NO_STORE)
        return response

    return handle
