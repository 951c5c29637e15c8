"""Requests tokens from a realm, and turns its responses into tokens or errors."""

from __future__ import annotations

import base64
import math
import random
import time
from collections.abc import Callable, Iterable
from itertools import count
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec
from attrs import define, field, frozen

from prov_api_client.types import prepare
from prov_facade._auth.discovery import Endpoints, discover
from prov_facade._auth.tokens import Tokens
from prov_facade._http.connection_errors import certificate_fault, system_fault
from prov_facade._http.dates import parse_retry_after
from prov_facade._http.proxies import ProxyLike, certificate_owner, open_client, proxy_for
from prov_facade._http.secrets import mask_text
from prov_facade._http.signed_url import bare_request
from prov_facade._http.ssl_context import Verify
from prov_facade._http.transient import Retry, retry_for_status
from prov_facade._runtime.cancellation import sleep
from prov_facade.auth import is_token
from prov_facade.config import Config
from prov_facade.errors import ConfigError, CredentialsError

T = TypeVar("T")

_MAX_ATTEMPTS = 4
_BACKOFF, _MAX_BACKOFF = 0.5, 5.0
_MAX_RETRY_AFTER = 10.0
_MAX_DESCRIPTION = 300
_MAX_ERROR_CODE = 60
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@frozen
class DeviceAuthorization:
    """A device authorization response, RFC 8628, 3.2."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None = None
    expires_in: float | None = None
    interval: float | None = None


prepare(DeviceAuthorization)


class _BusyError(Exception):
    """The realm asks to retry later."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


# The request certainly did not reach the realm, or was rejected before it was acted on. Any other
# failure may have consumed a single-use token.
_RETRYABLE = (httpx.ConnectError, httpx.ConnectTimeout, _BusyError)


@define
class RealmClient:
    """Sends the requests of one OAuth client to its realm.

    The endpoints of the realm are discovered once.

    Attributes:
        config: The deployment.
        client_id: The client.
        client_secret: Its secret, if it has one.
        timeout: The timeout for connecting to the realm, and for each read and write, in seconds.
        verify: How its certificate is verified, as for :class:`~prov_facade.ProvClient`.
        proxy: The proxy, as for :class:`~prov_facade.ProvClient`.
    """

    config: Config
    client_id: str
    client_secret: str | None = field(repr=False)
    timeout: float
    verify: Verify
    proxy: ProxyLike | None = field(repr=False)
    _endpoints: Endpoints | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """The address of the realm."""
        return self.config.keycloak_endpoint

    def refresh(self, refresh_token: str, scope: str | None = None) -> Tokens:
        """Obtain new tokens with a refresh token.

        Raises:
            CredentialsError: If the realm issues none.
        """
        body = _protocol().refresh_body(self.client_id, refresh_token, scope)
        tokens = self._request_tokens(body, "refresh the tokens", refresh_token)
        return tokens.keep_refresh_token(refresh_token)

    def client_tokens(self, scope: str | None) -> Tokens:
        """Obtain tokens for the client itself.

        Raises:
            CredentialsError: If the realm issues none.
        """
        return self._request_tokens(
            _protocol().client_body(self.client_id, scope), "sign in as a client"
        )

    def device_tokens(self, device_code: str) -> Tokens:
        """Obtain tokens for a device that a user has approved.

        Raises:
            CredentialsError: If it has not been approved.
        """
        body = _protocol().device_body(self.client_id, device_code)
        return self._request_tokens(body, "sign in", device_code)

    def authorize_device(self, scope: str) -> DeviceAuthorization:
        """Obtain a code for a user to approve.

        Raises:
            CredentialsError: If the realm issues none.
        """
        action = "sign in by device"
        body = urlencode({"client_id": self.client_id, "scope": scope})
        response = self._post(lambda at: at.device_authorization, body, action)
        fields = self._parse(response, action)
        times = {name: _seconds(fields.get(name)) for name in ("expires_in", "interval")}
        try:
            return msgspec.convert({**fields, **times}, DeviceAuthorization)
        except msgspec.ValidationError as error:
            raise CredentialsError(
                f"{self._prefix(action)}: the response cannot be used: {error}"
            ) from None

    def revoke(self, token: str, kind: str) -> None:
        """Revoke a token.

        Args:
            token: The token.
            kind: ``refresh_token`` or ``access_token``.

        Raises:
            CredentialsError: If the realm does not confirm it.
        """
        fields = {"client_id": self.client_id, "token": token, "token_type_hint": kind}
        response = self._post(lambda at: at.revocation, urlencode(fields), "sign out")
        if not response.is_success:
            self._parse(response, "sign out", token)

    def _request_tokens(self, body: str, action: str, *secrets: str) -> Tokens:
        requested_at = time.time()  # the token may be as old as that
        response = self._post(lambda at: at.token, body, action)
        fields = self._parse(response, action, *secrets)
        try:
            checked = _protocol().parse_tokens(self.client_id, fields)
            scope = msgspec.convert(fields.get("scope"), str | None)
        except _protocol().RefusedError as error:
            raise self._oauth_error(action, error.error, error.description, secrets) from None
        except (msgspec.MsgspecError, ValueError, TypeError, AttributeError) as error:
            raise CredentialsError(
                f"{self._prefix(action)}: the response cannot be used ({type(error).__name__})"
            ) from None
        token, refresh = checked["access_token"], checked.get("refresh_token")
        if not is_token(token) or not (refresh is None or is_token(refresh)):
            raise CredentialsError(f"{self._prefix(action)}: the response has no token")
        if str(checked.get("token_type", "Bearer")).lower() != "bearer":
            raise CredentialsError(f"{self._prefix(action)}: the response has no bearer token")
        return Tokens(token, refresh, requested_at, _seconds(fields.get("expires_in")), scope)

    def _parse(self, response: httpx.Response, action: str, *secrets: str) -> dict[str, Any]:
        """Parse a response that is an object without an error."""
        try:
            fields = msgspec.json.decode(response.content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            fields = {}
        error = fields.get("error")
        if error is not None:
            raise self._oauth_error(action, error, fields.get("error_description"), secrets)
        if not response.is_success:
            advice = ""
            if response.status_code == 404:
                advice = ". Does the realm exist? Check the domain and realm_name in the Config"
            elif response.is_redirect:
                advice = ". Redirects are not followed: check the address in the Config"
            raise CredentialsError(
                f"{self._prefix(action)}: the response has status {response.status_code}{advice}",
                # Without the secrets in the request and the response.
                response=httpx.Response(
                    response.status_code, request=bare_request(response.request)
                ),
            )
        if not fields:
            raise CredentialsError(f"{self._prefix(action)}: the response is not a JSON object")
        return fields

    def _oauth_error(
        self, action: str, error: object, description: object, secrets: Iterable[str]
    ) -> CredentialsError:
        code = _printable(error)[:_MAX_ERROR_CODE]
        details = mask_text(_printable(description), [*secrets, self.client_secret or ""])
        if len(details) > _MAX_DESCRIPTION:
            details = f"{details[:_MAX_DESCRIPTION]}…"
        message = f"{self._prefix(action)}: {code}"
        if details:
            message += f": {details.rstrip('.')}"
        if code in _ADVICE:
            message += f". {_ADVICE[code]}"
        return CredentialsError(message, error=code, error_description=details or None)

    def _prefix(self, action: str) -> str:
        return f"could not {action} at {self.address} as {self.client_id!r}"

    # On the wire

    def _post(self, select: Callable[[Endpoints], str], body: str, action: str) -> httpx.Response:
        try:
            if self._endpoints is None:
                self._endpoints = discover(
                    self.config,
                    lambda address: self._request("GET", address),
                    self._prefix(action),
                )
            headers = dict(_FORM)
            if self.client_secret is not None and self._endpoints.secret_in_header:
                headers["Authorization"] = _basic(self.client_id, self.client_secret)
            elif self.client_secret is not None:
                body += "&" + urlencode({"client_secret": self.client_secret})
            return self._request("POST", select(self._endpoints), content=body, headers=headers)
        except _BusyError as error:
            return error.response
        except ConfigError as error:
            raise CredentialsError(
                f"could not set up a connection to {self.address}: {error}"
            ) from error
        except httpx.HTTPError as error:
            # Its text has only hosts and ports, but its request has the secrets.
            error.request = bare_request(error.request)
            failure, cause = error, error.with_traceback(None)
        # Not raised within the handler: the traceback would lead to the request.
        raise CredentialsError(self._no_response(failure, action)) from cause

    def _request(self, method: str, address: str, **content: Any) -> httpx.Response:
        """Send a request, and retry it if it certainly had no effect."""
        with open_client(
            address, proxy=self.proxy, verify=self.verify, timeout=self.timeout
        ) as http:
            return _with_retries(lambda: _raise_if_busy(http.request(method, address, **content)))

    def _no_response(self, error: httpx.HTTPError, action: str) -> str:
        host, proxy = error.request.url.host, proxy_for(error.request.url, self.proxy)
        fault = certificate_fault(error)
        if fault is not None:
            owner = certificate_owner(host, proxy)
            return (
                f"{self._prefix(action)}: the certificate of {owner} was rejected ({fault}). If you"
                " trust its issuer, pass a file with the issuer's certificate as verify="
            )
        via, suspects = "", "the domain and realm_name in the Config, and the network"
        if proxy is not None:
            via, suspects = f" through the proxy {proxy}", proxy.suspects
        reason = f"{type(error).__name__}: {system_fault(error)}"
        return f"{self._prefix(action)}: no response{via} ({reason}). Check {suspects}"


_ADVICE = {
    "invalid_client": "Check the client_id, and the client_secret if the client has one",
    "unauthorized_client": "An administrator of the realm can enable this flow for the client",
    "invalid_scope": "Request another scope",
}


def _protocol() -> ModuleType:
    from prov_facade._auth import protocol  # noqa: PLC0415  (see its docstring)

    return protocol


def _basic(client_id: str, secret: str) -> str:
    """Return the header of RFC 6749, 2.3.1, where both are form-encoded."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _seconds(value: object) -> float | None:
    """Return a positive number, which may be a string; ``None`` for anything else."""
    try:
        seconds = msgspec.convert(value, float, strict=False)
    except msgspec.ValidationError:
        return None
    return seconds if 0 < seconds < math.inf else None


def _printable(text: object) -> str:
    """Drop control characters, which could manipulate a terminal."""
    text = "" if text is None else str(text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# Retries


def _with_retries(attempt: Callable[[], T]) -> T:
    for number in count(1):
        try:
            return attempt()
        except _RETRYABLE as error:
            if number == _MAX_ATTEMPTS or certificate_fault(error) is not None:
                raise
            delay = _delay(error, number)
        sleep(delay)
    raise AssertionError  # pragma: no cover


def _raise_if_busy(response: httpx.Response) -> httpx.Response:
    if retry_for_status(response.status_code) >= Retry.ON_REQUEST:
        raise _BusyError(response)
    return response


def _delay(error: Exception, attempt: int) -> float:
    if isinstance(error, _BusyError):
        seconds = parse_retry_after(error.response.headers.get("retry-after"))
        if seconds is not None:
            return min(seconds, _MAX_RETRY_AFTER)
    return random.uniform(0, min(_BACKOFF * 2 ** (attempt - 1), _MAX_BACKOFF))  # noqa: S311
