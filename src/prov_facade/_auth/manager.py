"""What the flows have in common: getting tokens once for many callers, keeping and ending them."""

from __future__ import annotations

import hashlib
import logging
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from prov_facade._auth.token_cache import Cache, CacheLike, Key, cache_for
from prov_facade._auth.token_endpoint import Realm, Verify
from prov_facade._auth.tokens import Tokens
from prov_facade._runtime.cancellation import delay_exit, hold
from prov_facade._runtime.fork import ForkSafeLock
from prov_facade.auth import AuthManager
from prov_facade.config import Config
from prov_facade.errors import ConfigError, CredentialsError

_LOG = logging.getLogger("prov_facade")

# What RFC 6749 calls a refresh token that is good for nothing (any more).
INVALID_GRANT = "invalid_grant"
# RFC 7009, 2.2.1: tokens of this type are not revoked at all.
_CANNOT_END = "unsupported_token_type"

# What a person decided, or did not: to be heard of, even if there is a token that is good yet.
_DECIDED = ("access_denied", "expired_token")

# How long a token that could not be renewed is used before that is tried again.
_RENEWAL_COOLDOWN = 10.0


@frozen
class RejectedToken:
    """A refresh token that is good no more."""

    token: str = field(repr=False)
    error: CredentialsError


class OAuthManager(AuthManager):
    """Gets tokens from a realm, and renews them before they run out.

    Nothing goes onto the network before the first token is asked for. Any number of threads can
    share one: of those that need a new token, one gets it, for all of them.
    """

    _flow: str
    # Whether signing in takes a person, and so perhaps minutes.
    _asks_a_person = False

    def __init__(
        self,
        config: Config,
        client_id: str,
        *,
        client_secret: str | None,
        scope: str | None,
        cache: CacheLike,
        timeout: float,
        verify: Verify,
    ) -> None:
        if not isinstance(config, Config):
            raise ConfigError("config must be a Config")
        if not isinstance(client_id, str) or not client_id:
            raise ConfigError("client_id must be the id of a client of the realm")
        if client_secret is not None and (not isinstance(client_secret, str) or not client_secret):
            raise ConfigError("client_secret must be a str that is not empty, or None")
        if scope is not None and not isinstance(scope, str):
            raise ConfigError("scope must be a str, words with spaces between")
        number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if not number or not timeout > 0:
            raise ConfigError("timeout must be a number of seconds, more than 0")
        self._scope = scope
        self._where = cache
        self._realm = Realm(config, client_id, client_secret, timeout, verify)
        self._lock = ForkSafeLock()
        self._tokens: Tokens | None = None
        self._origin: str | None = None
        # What the cache held when this process last read or wrote it.
        self._seen: tuple[object, ...] | None = None
        self._failures = 0
        self._failure: CredentialsError | None = None
        self._resting_until = 0.0
        cache_for(self._key(), cache)  # which refuses what is no cache

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._realm.address!r}, {self._realm.client_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        # Tokens stay here: whoever gets a copy has the cache, or signs in.
        return {**self.__dict__, "_tokens": None, "_seen": None, "_failure": None}

    def get_token(self) -> str:
        """Return a token that is good for a while, signing in or renewing it if need be.

        Raises:
            CredentialsError: If no token can be had.
        """
        token = self.token_at_hand()
        if token is None:
            with self._together() as failed:
                token = self._current(failed).access_token
        return token

    def token_at_hand(self) -> str | None:
        """Return a token that is good for a while, if there is one without waiting."""
        tokens = self._tokens
        return tokens.access_token if tokens is not None and tokens.is_fresh() else None

    def force_refresh(self) -> None:
        """Get a new token, even if the present one has not run out.

        Raises:
            CredentialsError: If no new token can be had.
        """
        refused = self._tokens
        with self._together() as failed:
            if failed is not None:
                raise failed
            cache = self._cache()
            present = self._tokens
            if present is not None and present is not refused and present.is_fresh():
                return  # another thread was as fast
            self._renew(cache, present if present is not None else self._latest(cache))

    def logout(self) -> None:
        """Forget the tokens, here and where they are kept, and have the realm end them.

        An offline token that was given is ended as well: it is good no more. An access token that
        comes without a refresh token, as for :class:`ClientCredentials`, is ended where the realm
        can do that; otherwise it is good until it runs out.

        Raises:
            CredentialsError: If the cache cannot be read or cleared, or the realm does not confirm
                the revocation. Whatever can be removed and revoked is, nevertheless.
        """
        with hold(self._lock):
            failures: list[CredentialsError] = []
            found, self._tokens = [self._tokens], None
            cache = self._cache()
            with cache.alone():
                with _collecting(failures):
                    found.append(cache.load())
                with _collecting(failures):
                    cache.clear()
            self._seen = None
            tokens = [each for each in found if each is not None]
            refresh_tokens = dict.fromkeys(t.refresh_token for t in tokens if t.refresh_token)
            for token in refresh_tokens or dict.fromkeys(self._given()):
                with _collecting(failures):
                    self._realm.revoke(token, "refresh_token")
            for token in dict.fromkeys(t.access_token for t in tokens if not t.refresh_token):
                with _collecting(failures, but=_CANNOT_END):
                    self._realm.revoke(token, "access_token")
            if failures:
                raise failures[0]

    @abstractmethod
    def _obtain(self, spent: RejectedToken | None) -> Tokens:
        """Sign in.

        Args:
            spent: What was tried before, if anything was.

        Raises:
            CredentialsError: If that fails.
        """

    def _given_origin(self) -> str | None:
        """Return a digest of what the user gave to sign in with, for which tokens are kept."""
        return None

    def _given(self) -> tuple[str, ...]:
        """Return the refresh token that the user gave, if any."""
        return ()

    def _scope_of_refresh(self) -> str | None:
        """Return the scope to ask for again; ``None`` for what was granted."""
        return None

    def _key(self, origin: str | None = None) -> Key:
        scope = " ".join(sorted((self._scope or "").split()))
        return Key(self._realm.address, self._realm.client_id, scope, self._flow, origin)

    def _cache(self) -> Cache:
        """Return the cache; what was had for another token than the one now given is forgotten."""
        origin = self._given_origin()
        if origin != self._origin:
            self._tokens, self._seen, self._origin = None, None, origin
        return cache_for(self._key(origin), self._where)

    @contextmanager
    def _together(self) -> Iterator[CredentialsError | None]:
        """Wait for one's turn, and be given the failure of somebody whom one has waited for."""
        failures = self._failures
        with hold(self._lock):
            failed = None
            if self._failures != failures and self._failure is not None:
                failed = _again(self._failure)
            try:
                yield failed
            except CredentialsError as error:
                if error is not failed:
                    self._failures += 1
                    self._failure = _again(error)
                raise

    def _current(self, failed: CredentialsError | None) -> Tokens:
        """Return tokens that are fresh, wherever they are from, or at least good.

        Args:
            failed: What somebody else has just met with, which is not tried again.
        """
        cache = self._cache()
        tokens = self._tokens
        if tokens is None or not tokens.is_fresh():
            tokens = self._latest(cache)
        if tokens is not None:
            self._tokens = tokens
            resting = time.monotonic() < self._resting_until
            if tokens.is_fresh() or (resting and tokens.is_good()):
                return tokens
        try:
            if failed is not None:
                raise failed
            return self._renew(cache, tokens)
        except CredentialsError as error:
            if tokens is None or not tokens.is_good() or error.error in _DECIDED:
                raise
            # It was early. Perhaps the realm is there again before the token runs out.
            _LOG.warning("a token is used on, since it could not be renewed: %s", error)
            self._resting_until = time.monotonic() + _RENEWAL_COOLDOWN
            return tokens

    def _renew(self, cache: Cache, stale: Tokens | None) -> Tokens:
        """Get other tokens than those that are stale: from another process, or from the realm."""
        with delay_exit(), cache.alone():
            latest = self._latest(cache)
            if latest is not None and latest.is_fresh() and not _same(latest, stale):
                self._tokens = latest
                return latest
            found = self._refreshed(latest)
            if not isinstance(found, Tokens) and not self._asks_a_person:
                found = self._obtain(found)
            if isinstance(found, Tokens):
                return self._keep(cache, found)
        # While a person is waited for, others can go on with what is kept.
        tokens = self._obtain(found)
        with delay_exit(), cache.alone():
            return self._keep(cache, tokens)

    def _refreshed(self, tokens: Tokens | None) -> Tokens | RejectedToken | None:
        if tokens is None or tokens.refresh_token is None:
            return None
        try:
            return self._realm.refreshed(tokens.refresh_token, self._scope_of_refresh())
        except CredentialsError as error:
            if error.error != INVALID_GRANT:
                raise
            return RejectedToken(tokens.refresh_token, error)

    def _keep(self, cache: Cache, tokens: Tokens) -> Tokens:
        self._tokens = tokens
        if tokens.refresh_token is not None and cache.store(tokens):
            self._seen = _mark(tokens)
        return tokens

    def _latest(self, cache: Cache) -> Tokens | None:
        """Return what is kept, unless this process has got newer tokens that could not be kept."""
        kept = cache.load()
        if kept is None or _mark(kept) == self._seen:
            return self._tokens or kept
        self._seen = _mark(kept)
        return kept


def digest(secret: str) -> str:
    """Make what tells one secret from another, and gives none of them away."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _mark(tokens: Tokens) -> tuple[object, ...]:
    return tokens.refresh_token, tokens.obtained_at


def _same(one: Tokens, other: Tokens | None) -> bool:
    return other is not None and one.access_token == other.access_token


def _again(error: CredentialsError) -> CredentialsError:
    """The same error for somebody else, without the traceback of the first."""
    return CredentialsError(
        str(error),
        error=error.error,
        error_description=error.error_description,
        response=error.response,
    )


@contextmanager
def _collecting(failures: list[CredentialsError], but: str | None = None) -> Iterator[None]:
    try:
        yield
    except CredentialsError as error:
        if but is None or error.error != but:
            failures.append(error)
