"""Asks a realm for tokens, and turns what it answers into tokens or errors."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec
import tenacity
from attrs import define, field, frozen

from prov_api_client.types import prepare
from prov_facade._auth.discovery import Endpoints, find
from prov_facade._auth.tokens import Tokens
from prov_facade._http import ssl_context
from prov_facade._runtime.cancellation import sleep
from prov_facade.auth import is_token
from prov_facade.config import Config
from prov_facade.errors import CredentialsError

T = TypeVar("T")

Verify = ssl.SSLContext | str | Path | None

_ATTEMPTS = 4
_LONGEST_WAIT = 10.0
_LONGEST_QUOTE = 300
_LONGEST_CODE = 60
_SHORTEST_SECRET = 6
_BUSY = (429, 503)
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@frozen
class DeviceAnswer:
    """What a realm answers a device that wants to sign in, RFC 8628, 3.2."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_in: float
    verification_uri_complete: str | None = None
    interval: float | None = None


@frozen
class _Lifetime:
    expires_in: float | None = None
    scope: str | None = None


prepare(DeviceAnswer, _Lifetime)


class _BusyError(Exception):
    """The realm asks to be asked later."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


@define
class Realm:
    """A realm, as a client of it.

    What it says of its addresses is asked for once.

    Attributes:
        config: The deployment.
        client_id: The client.
        client_secret: Its secret, if it has one.
        timeout: How many seconds the realm may take for each step of an answer.
        verify: What its certificate is checked with, as for :class:`~prov_facade.ProvClient`.
    """

    config: Config
    client_id: str
    client_secret: str | None = field(repr=False)
    timeout: float
    verify: Verify
    _endpoints: Endpoints | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Where it is."""
        return self.config.keycloak_endpoint

    def refreshed(self, refresh_token: str, scope: str | None = None) -> Tokens:
        """Get new tokens for a refresh token.

        Raises:
            CredentialsError: If there are none.
        """
        body = _protocol().refresh_body(self.client_id, refresh_token, scope)
        return self._tokens(body, "refresh the tokens", secrets=[refresh_token]).succeeding(
            refresh_token
        )

    def for_client(self, scope: str | None) -> Tokens:
        """Get tokens for the client itself.

        Raises:
            CredentialsError: If there are none.
        """
        body = _protocol().client_body(self.client_id, scope)
        return self._tokens(body, "sign in as a client")

    def for_device(self, device_code: str) -> Tokens:
        """Ask whether a person approved a device.

        Raises:
            CredentialsError: If none did, or not yet.
        """
        body = _protocol().device_body(self.client_id, device_code)
        return self._tokens(body, "sign in", secrets=[device_code])

    def device_login(self, scope: str) -> DeviceAnswer:
        """Ask for a code that a person can approve.

        Raises:
            CredentialsError: If there is none.
        """
        body = urlencode({"client_id": self.client_id, "scope": scope})
        response = self._post(lambda at: at.device_authorization, body, "sign in by device")
        answer = self._read(response, "sign in by device", [])
        try:
            return msgspec.convert(answer, DeviceAnswer, strict=False)
        except msgspec.ValidationError as error:
            raise CredentialsError(
                f"{self._attempt('sign in by device')}: the answer cannot be used: {error}"
            ) from None

    def revoke(self, token: str, kind: str) -> None:
        """End a token.

        Args:
            token: The token.
            kind: ``refresh_token`` or ``access_token``.

        Raises:
            CredentialsError: If the realm does not say that it did.
        """
        fields = {"client_id": self.client_id, "token": token, "token_type_hint": kind}
        response = self._post(lambda at: at.revocation, urlencode(fields), "sign out")
        if not response.is_success:
            self._read(response, "sign out", [token])

    def _tokens(self, body: str, what: str, secrets: list[str] | None = None) -> Tokens:
        asked_at = time.time()  # the token may be as old as that
        response = self._post(lambda at: at.token, body, what)
        answer = self._read(response, what, secrets or [])
        try:
            checked = _protocol().read_tokens(self.client_id, answer)
            about = msgspec.convert(answer, _Lifetime, strict=False)
        except _protocol().RefusedError as error:
            raise self._refusal(what, error.error, error.description, secrets or []) from None
        except (msgspec.MsgspecError, ValueError, TypeError, AttributeError) as error:
            kind = type(error).__name__
            raise CredentialsError(
                f"{self._attempt(what)}: the answer cannot be used ({kind})"
            ) from None
        token, refresh = checked["access_token"], checked.get("refresh_token")
        if not is_token(token) or not (refresh is None or is_token(refresh)):
            raise CredentialsError(f"{self._attempt(what)}: the answer holds no token")
        if str(checked.get("token_type", "Bearer")).lower() != "bearer":
            raise CredentialsError(f"{self._attempt(what)}: the answer holds no bearer token")
        seconds = about.expires_in
        # One that is not positive says nothing.
        return Tokens(
            token, refresh, asked_at, seconds if seconds and seconds > 0 else None, about.scope
        )

    def _read(self, response: httpx.Response, what: str, secrets: list[str]) -> dict[str, Any]:
        """Read an answer that is an object, and no error."""
        try:
            answer = msgspec.json.decode(response.content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            answer = {}
        error = answer.get("error")
        if error is not None:
            raise self._refusal(what, error, answer.get("error_description"), secrets)
        if not response.is_success:
            advice = ""
            if response.status_code == 404:
                advice = ". Is there such a realm? Check the Config's domain and realm_name"
            elif response.is_redirect:
                advice = ". Redirects are not followed: check the address in the Config"
            raise CredentialsError(
                f"{self._attempt(what)}: it was answered with status"
                f" {response.status_code}{advice}",
                # Without what was sent and what came.
                response=httpx.Response(response.status_code, request=_bare(response.request)),
            )
        if not answer:
            raise CredentialsError(f"{self._attempt(what)}: the answer is no JSON object")
        return answer

    def _refusal(
        self, what: str, error: object, description: object, secrets: list[str]
    ) -> CredentialsError:
        code, said = self._plain(error)[:_LONGEST_CODE], self._quoted(description, secrets)
        message = f"{self._attempt(what)}: {code}"
        if said:
            message += f": {said.rstrip('.')}"
        advice = _ADVICE.get(code)
        if advice:
            message += f". {advice}"
        return CredentialsError(message, error=code, error_description=said or None)

    def _quoted(self, text: object, secrets: list[str]) -> str:
        """Repeat what the realm says, without what it was told."""
        said = self._plain(text)
        for secret in filter(None, (*secrets, self.client_secret)):
            # One that is as short as a word would mask words.
            if len(secret) >= _SHORTEST_SECRET:
                said = said.replace(secret, "***")
        return said if len(said) <= _LONGEST_QUOTE else f"{said[:_LONGEST_QUOTE]}…"

    def _plain(self, text: object) -> str:
        """Repeat it without control characters, which could steer a terminal."""
        said = "" if text is None else str(text)
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())

    def _attempt(self, what: str) -> str:
        return f"could not {what} at {self.address} as {self.client_id!r}"

    # On the wire

    def _post(self, where: Callable[[Endpoints], str], body: str, what: str) -> httpx.Response:
        try:
            with self._http() as http:
                endpoints = self._endpoints
                if endpoints is None:
                    endpoints = self._persistently(
                        lambda: find(self.config, http, _unless_busy, self._attempt(what))
                    )
                    self._endpoints = endpoints
                headers = dict(_FORM)
                if self.client_secret is not None and endpoints.secret_in_header:
                    headers["Authorization"] = _basic(self.client_id, self.client_secret)
                elif self.client_secret is not None:
                    body += "&" + urlencode({"client_secret": self.client_secret})

                address = where(endpoints)
                return self._persistently(
                    lambda: _unless_busy(http.post(address, content=body, headers=headers))
                )
        except _BusyError as error:
            return error.response
        except httpx.HTTPError as error:
            # Its text names hosts and ports; the request has the secrets.
            error.request = _bare(error.request)
            failure, cause = error, error.with_traceback(None)
        # Raised out here, since the traceback would lead to the request as well.
        raise CredentialsError(
            f"{self._attempt(what)}: there was no answer ({type(failure).__name__}: {failure})."
            " Check the Config's domain and realm_name, and the network"
        ) from cause

    def _http(self) -> httpx.Client:
        try:
            certificates = ssl_context.load(self.verify)
            return httpx.Client(verify=certificates, timeout=self.timeout, follow_redirects=False)
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            raise CredentialsError(
                f"no connection to {self.address} can be set up: verify or the environment names"
                f" a file of certificates or a proxy that cannot be used ({error})"
            ) from error

    def _persistently(self, attempt: Callable[[], T]) -> T:
        """Try again what has certainly not reached the realm, or was put off by it.

        Whatever else failed may have used up a token that is good for one time.
        """
        retrying = tenacity.Retrying(
            sleep=sleep,
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(
                (httpx.ConnectError, httpx.ConnectTimeout, _BusyError)
            ),
            reraise=True,
        )
        return retrying(attempt)


_ADVICE = {
    "invalid_client": "Check the client_id, and the client_secret if the client has one",
    "unauthorized_client": "Whoever runs the realm can allow the client to sign in this way",
    "invalid_scope": "Ask for another scope",
}


def _bare(request: httpx.Request) -> httpx.Request:
    """The request without its headers and its body."""
    return httpx.Request(request.method, request.url)


def _protocol() -> ModuleType:
    from prov_facade._auth import protocol  # noqa: PLC0415  (many a program never needs it)

    return protocol


def _unless_busy(response: httpx.Response) -> httpx.Response:
    if response.status_code in _BUSY:
        raise _BusyError(response)
    return response


def _basic(client_id: str, secret: str) -> str:
    """The header of RFC 6749, 2.3.1, where both are encoded as in a form."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.response.headers.get("retry-after", "") if isinstance(error, _BusyError) else ""
    if asked.isascii() and asked.isdigit():
        return min(float(asked), _LONGEST_WAIT)
    return float(tenacity.wait_random_exponential(multiplier=0.5, max=5)(state))
