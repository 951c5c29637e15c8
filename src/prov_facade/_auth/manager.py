"""The base class of the flows: obtains, caches and revokes tokens, once for many callers."""

from __future__ import annotations

import hashlib
import logging
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from attrs import define, field, frozen

from prov_facade._auth.token_cache import Cache, CacheKey, CacheLike, cache_for
from prov_facade._auth.token_endpoint import RealmClient
from prov_facade._auth.tokens import Tokens
from prov_facade._checks import NOT_UTF_8, is_utf_8
from prov_facade._http.proxies import ProxyLike, check_proxy
from prov_facade._http.ssl_context import Verify, check_verify
from prov_facade._http.timeouts import check_timeout
from prov_facade._runtime.cancellation import delay_exit, hold
from prov_facade._runtime.fork import ForkSafeLock
from prov_facade.auth import AuthManager
from prov_facade.config import Config
from prov_facade.errors import ConfigError, CredentialsError

_LOG = logging.getLogger("prov_facade")

# The error of RFC 6749 for a refresh token that is not, or no longer, valid.
INVALID_GRANT = "invalid_grant"
# RFC 7009, 2.2.1: the realm does not revoke tokens of this type.
_UNSUPPORTED_TYPE = "unsupported_token_type"

# A user's decision, or lack of one: reported even while an older token is still valid.
_DECISIONS = ("access_denied", "expired_token")

# How long a token that could not be refreshed is used before the next attempt.
_REFRESH_COOLDOWN = 10.0


@frozen
class RejectedToken:
    """A refresh token that the realm rejected."""

    token: str = field(repr=False)
    error: CredentialsError


@define(slots=False, eq=False, repr=False)
class OAuthManager(AuthManager):
    """Obtains tokens from a realm, and refreshes them before they expire.

    Nothing is sent before the first token is needed. Any number of threads can share a manager: if
    several need a new token, one obtains it for all.
    """

    _flow: ClassVar[str]
    # Whether signing in needs a user, and so may take minutes.
    _interactive_flow: ClassVar[bool] = False

    _config: Config
    _client_id: str
    _client_secret: str | None = field(default=None, kw_only=True)
    _scope: str | None = field(default=None, kw_only=True)
    _cache: CacheLike = field(default="file", kw_only=True)
    _timeout: float = field(default=30, kw_only=True)
    _verify: Verify = field(default=None, kw_only=True)
    _proxy: ProxyLike | None = field(default=None, kw_only=True)

    _realm: RealmClient = field(init=False)
    _lock: ForkSafeLock = field(factory=ForkSafeLock, init=False)
    _tokens: Tokens | None = field(default=None, init=False)
    # A digest of the token that the user supplied, for which `_tokens` were obtained.
    _source: str | None = field(default=None, init=False)
    # Identifies the content of the cache when this process last read or wrote it.
    _cache_version: tuple[object, ...] | None = field(default=None, init=False)
    _failure_count: int = field(default=0, init=False)
    _last_failure: CredentialsError | None = field(default=None, init=False)
    _cooldown_ends: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self._config, Config):
            raise ConfigError("config must be a Config")
        if not isinstance(self._client_id, str) or not self._client_id:
            raise ConfigError("client_id must be the id of a client of the realm")
        secret: object = self._client_secret
        if secret is not None and (not isinstance(secret, str) or not secret):
            raise ConfigError("client_secret must be a str that is not empty, or None")
        if self._scope is not None and not isinstance(self._scope, str):
            raise ConfigError("scope must be a str of words separated by spaces")
        texts = {"client_id": self._client_id, "client_secret": secret, "scope": self._scope}
        for name, text in texts.items():
            if isinstance(text, str) and not is_utf_8(text):
                raise ConfigError(f"{name} {NOT_UTF_8}")
        check_timeout("timeout", self._timeout)
        check_verify(self._verify)
        check_proxy(self._proxy)
        self._realm = RealmClient(
            self._config,
            self._client_id,
            self._client_secret,
            self._timeout,
            self._verify,
            self._proxy,
        )
        self._client_secret = None  # held by the realm client, whose repr hides it
        cache_for(self._key(), self._cache)  # raises if it is not a cache

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._realm.address!r}, {self._client_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        # Tokens are not copied: a copy reads the cache, or signs in.
        return {**self.__dict__, "_tokens": None, "_cache_version": None, "_last_failure": None}

    def get_token(self) -> str:
        """Return a valid token, signing in or refreshing it if needed.

        Raises:
            CredentialsError: If no token could be obtained.
        """
        token = self.cached_token()
        if token is None:
            with self._one_at_a_time() as failure:
                token = self._fresh_tokens(failure).access_token
        return token

    def cached_token(self) -> str | None:
        """Return the token in memory if it is fresh, without blocking."""
        tokens = self._tokens
        return tokens.access_token if tokens is not None and tokens.is_fresh() else None

    def force_refresh(self) -> None:
        """Obtain a new token, even if the current one has not expired.

        Raises:
            CredentialsError: If no new token could be obtained.
        """
        rejected = self._tokens
        with self._one_at_a_time() as failure:
            if failure is not None:
                raise failure
            cache = self._open_cache()
            current = self._tokens
            if current is not None and current is not rejected and current.is_fresh():
                return  # another thread has refreshed it
            self._refresh(cache, current if current is not None else self._newest_tokens(cache))

    def logout(self) -> None:
        """Revoke the tokens, and remove them from memory and from the cache.

        This also revokes an offline token that was supplied. An access token without a refresh
        token, as :class:`ClientCredentials` obtains, is revoked if the realm supports that;
        otherwise it stays valid until it expires.

        Raises:
            CredentialsError: If the cache cannot be read or cleared, or the realm does not confirm
                the revocation. Everything else is removed and revoked nevertheless.
        """
        with hold(self._lock):
            failures: list[CredentialsError] = []
            found, self._tokens = [self._tokens], None
            cache = self._open_cache()
            with cache.lock():
                with _collect_failures(failures):
                    found.append(cache.load())
                with _collect_failures(failures):
                    cache.clear()
            self._cache_version = None
            tokens = [each for each in found if each is not None]
            refresh_tokens = dict.fromkeys(t.refresh_token for t in tokens if t.refresh_token)
            for token in refresh_tokens or dict.fromkeys(self._supplied_tokens()):
                with _collect_failures(failures):
                    self._realm.revoke(token, "refresh_token")
            for token in dict.fromkeys(t.access_token for t in tokens if not t.refresh_token):
                with _collect_failures(failures, ignored=_UNSUPPORTED_TYPE):
                    self._realm.revoke(token, "access_token")
            if failures:
                raise failures[0]

    @abstractmethod
    def _sign_in(self, rejected: RejectedToken | None) -> Tokens:
        """Obtain tokens without refreshing the current ones.

        Args:
            rejected: The refresh token that was tried before, if any.

        Raises:
            CredentialsError: If that fails.
        """

    def _supplied_digest(self) -> str | None:
        """Return a digest of the token that the user supplied, which is part of the cache key."""
        return None

    def _supplied_tokens(self) -> tuple[str, ...]:
        """Return the refresh tokens that the user supplied."""
        return ()

    def _refresh_scope(self) -> str | None:
        """Return the scope to request with a refresh; ``None`` for what was granted."""
        return None

    def _key(self, source: str | None = None) -> CacheKey:
        scope = " ".join(sorted((self._scope or "").split()))
        return CacheKey(self._realm.address, self._client_id, scope, self._flow, source)

    def _open_cache(self) -> Cache:
        """Return the cache. Forget tokens that were obtained with another supplied token."""
        source = self._supplied_digest()
        if source != self._source:
            self._tokens, self._cache_version, self._source = None, None, source
        return cache_for(self._key(source), self._cache)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[CredentialsError | None]:
        """Wait for the lock, and yield the failure of another thread that this one waited for."""
        failures = self._failure_count
        with hold(self._lock):
            shared = None
            if self._failure_count != failures and self._last_failure is not None:
                shared = self._last_failure.copy()
            try:
                yield shared
            except CredentialsError as error:
                if error is not shared:
                    self._failure_count += 1
                    self._last_failure = error.copy()
                raise

    def _fresh_tokens(self, failure: CredentialsError | None) -> Tokens:
        """Return tokens that are fresh, or at least valid.

        Args:
            failure: The failure of another thread's refresh, if any; it is not tried again.
        """
        cache = self._open_cache()
        tokens = self._tokens
        if tokens is None or not tokens.is_fresh():
            tokens = self._newest_tokens(cache)
        if tokens is not None:
            self._tokens = tokens
            cooling_down = time.monotonic() < self._cooldown_ends
            if tokens.is_fresh() or (cooling_down and tokens.is_valid()):
                return tokens
        try:
            if failure is not None:
                raise failure
            return self._refresh(cache, tokens)
        except CredentialsError as error:
            if tokens is None or not tokens.is_valid() or error.error in _DECISIONS:
                raise
            # The refresh was early. The realm may recover before the token expires.
            _LOG.warning("still using a token that could not be refreshed: %s", error)
            self._cooldown_ends = time.monotonic() + _REFRESH_COOLDOWN
            return tokens

    def _refresh(self, cache: Cache, stale: Tokens | None) -> Tokens:
        """Obtain tokens other than the stale ones: from another process, or from the realm."""
        with delay_exit(), cache.lock():
            newest = self._newest_tokens(cache)
            if (
                newest is not None
                and newest.is_fresh()
                and (stale is None or newest.access_token != stale.access_token)
            ):
                self._tokens = newest
                return newest
            result = self._use_refresh_token(newest)
            if not isinstance(result, Tokens) and not self._interactive_flow:
                result = self._sign_in(result)
            if isinstance(result, Tokens):
                return self._store(cache, result)
        # The lock is released while a user signs in, so that others can use the cache.
        tokens = self._sign_in(result)
        with delay_exit(), cache.lock():
            return self._store(cache, tokens)

    def _use_refresh_token(self, tokens: Tokens | None) -> Tokens | RejectedToken | None:
        if tokens is None or tokens.refresh_token is None:
            return None
        try:
            return self._realm.refresh(tokens.refresh_token, self._refresh_scope())
        except CredentialsError as error:
            if error.error != INVALID_GRANT:
                raise
            return RejectedToken(tokens.refresh_token, error)

    def _store(self, cache: Cache, tokens: Tokens) -> Tokens:
        self._tokens = tokens
        if tokens.refresh_token is not None and cache.store(tokens):
            self._cache_version = _version(tokens)
        return tokens

    def _newest_tokens(self, cache: Cache) -> Tokens | None:
        """Return the cached tokens, unless this process has newer ones that it could not cache."""
        cached = cache.load()
        if cached is None or _version(cached) == self._cache_version:
            return self._tokens or cached
        self._cache_version = _version(cached)
        return cached


def digest(secret: str) -> str:
    """Return a hash that identifies a secret without disclosing it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _version(tokens: Tokens) -> tuple[object, ...]:
    return tokens.refresh_token, tokens.obtained_at


@contextmanager
def _collect_failures(
    failures: list[CredentialsError], ignored: str | None = None
) -> Iterator[None]:
    try:
        yield
    except CredentialsError as error:
        if ignored is None or error.error != ignored:
            failures.append(error)
