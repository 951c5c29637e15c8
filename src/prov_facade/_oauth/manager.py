"""What the flows have in common: getting tokens once for many callers, keeping and ending them."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from typing import Any

from prov_facade._oauth.cache import CacheLike, Entry, Key, cache_for
from prov_facade._oauth.patience import OneAtATime
from prov_facade._oauth.realm import Realm, Verify
from prov_facade._oauth.tokens import Tokens
from prov_facade.auth import AuthManager
from prov_facade.config import Config
from prov_facade.errors import AuthError, ConfigError

# What RFC 6749 calls a refresh token that is good for nothing (any more).
_SPENT = "invalid_grant"


class OAuthManager(AuthManager):
    """Gets tokens from a realm, and renews them before they run out.

    Nothing goes onto the network before the first token is asked for. Any number of threads can
    share one: of those that need a new token, one gets it, for all of them.
    """

    _flow: str

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
        number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if not number or not timeout > 0:
            raise ConfigError("timeout must be a number of seconds, more than 0")
        self._scope = scope
        self._where = cache
        self._realm = Realm(config, client_id, client_secret, timeout, verify)
        self._key = Key(
            config.keycloak_endpoint, client_id, " ".join(sorted((scope or "").split())), self._flow
        )
        self._cache = cache_for(self._key, cache)
        self._turn = OneAtATime()
        self._tokens: Tokens | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._realm.address!r}, {self._realm.client_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        # Tokens stay here: whoever gets a copy has the cache, or signs in.
        return {**self.__dict__, "_tokens": None}

    def get_token(self) -> str:
        """Return a token that is good for a while, signing in or renewing it if need be.

        Raises:
            AuthError: If no token can be had.
        """
        tokens = self._tokens
        if tokens is None or not tokens.is_fresh():
            with self._turn.alone():
                tokens = self._current()
        return tokens.access_token

    def force_refresh(self) -> None:
        """Get a new token, even if the present one has not run out.

        Raises:
            AuthError: If no new token can be had.
        """
        refused = self._tokens
        with self._turn.alone():
            present = self._tokens
            if present is not None and present is not refused and present.is_fresh():
                return  # another thread was as fast
            self._renew(present)

    def logout(self) -> None:
        """Forget the tokens, here and where they are kept, and have the realm end them.

        Raises:
            AuthError: If the realm does not say that it did. The tokens are forgotten then as well.
        """
        with self._turn.alone(), self._cache.alone():
            entry, own = self._kept(), self._tokens
            self._tokens = None
            self._cache.clear()
            tokens = [each for each in (own, entry.tokens if entry else None) if each is not None]
            refresh_tokens = {t.refresh_token: None for t in tokens if t.refresh_token is not None}
            for token in refresh_tokens or self._given():
                self._realm.revoke(token, "refresh_token")
            if not refresh_tokens:
                for each in tokens:
                    self._realm.revoke(each.access_token, "access_token")

    @abstractmethod
    def _obtain(self) -> Tokens:
        """Sign in.

        Raises:
            AuthError: If that fails.
        """

    def _wait_for_others(self) -> None:
        """Called when another process takes its time to get tokens."""

    def _origin(self) -> str | None:
        """Return a digest of what the user gave to sign in with, for which tokens are kept."""
        return None

    def _given(self) -> tuple[str, ...]:
        """Return the refresh token that the user gave, if any."""
        return ()

    def _kept(self) -> Entry | None:
        entry = self._cache.load()
        return entry if entry is not None and entry.origin == self._origin() else None

    def _current(self) -> Tokens:
        """Return tokens that are fresh, wherever they are from."""
        if self._tokens is not None and self._tokens.is_fresh():
            return self._tokens
        entry = self._kept()
        if entry is not None and entry.tokens.is_fresh():
            self._tokens = entry.tokens
            return self._tokens
        return self._renew(self._tokens)

    def _renew(self, stale: Tokens | None) -> Tokens:
        """Get other tokens than those that are stale: from another process, or from the realm."""
        with self._cache.alone(self._wait_for_others):
            entry = self._kept()
            kept = entry.tokens if entry is not None else None
            if kept is not None and kept.is_fresh() and not _same(kept, stale):
                self._tokens = kept
                return kept
            tokens = self._refreshed(kept, stale)
            if tokens is None:
                tokens = self._obtain()
            self._tokens = tokens
            if tokens.refresh_token is not None:
                self._cache.store(Entry(tokens, self._origin()))
            return tokens

    def _refreshed(self, *candidates: Tokens | None) -> Tokens | None:
        """Refresh the first tokens that can be; ``None`` if none can any more."""
        tried: set[str] = set()
        for candidate in candidates:
            token = candidate.refresh_token if candidate is not None else None
            if token is None or token in tried:
                continue
            tried.add(token)
            try:
                return self._realm.refreshed(token)
            except AuthError as error:
                if error.error != _SPENT:
                    raise
        return None


def digest(secret: str) -> str:
    """Make what tells one secret from another, and gives none of them away."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _same(one: Tokens, other: Tokens | None) -> bool:
    return other is not None and one.access_token == other.access_token
