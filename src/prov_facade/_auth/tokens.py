"""Access and refresh tokens, and when they expire."""

from __future__ import annotations

import time

import attrs
from attrs import frozen

# A token is refreshed this long before it expires, so that it does not expire in transit, even if
# the clocks of machines that share it differ. A short-lived token is refreshed after half its
# lifetime.
LEEWAY = 90.0
# A token that cannot be refreshed is used until shortly before it expires.
_LAST_USE = 5.0


@frozen
class Tokens:
    """The tokens that a realm issued.

    Attributes:
        access_token: The token for calls; empty if there is only a refresh token.
        refresh_token: The token that obtains a new access token.
        obtained_at: When they were obtained, as Unix time by this machine's clock. The clock of the
            realm does not matter: it states how long a token is valid, not until when.
        expires_in: The lifetime of the access token in seconds; ``None`` if unknown.
        scope: The granted scope, if the realm states it.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(repr=False)
    obtained_at: float
    expires_in: float | None
    scope: str | None = None

    def is_fresh(self) -> bool:
        """Return whether the access token does not need a refresh yet."""
        return self._is_valid_for(min(LEEWAY, (self.expires_in or 0) / 2))

    def is_valid(self) -> bool:
        """Return whether the access token is still valid."""
        return self._is_valid_for(min(_LAST_USE, (self.expires_in or 0) / 2))

    def keep_refresh_token(self, previous: str | None) -> Tokens:
        """Return the tokens, with the previous refresh token if the realm did not replace it."""
        return self if self.refresh_token else attrs.evolve(self, refresh_token=previous)

    def _is_valid_for(self, seconds: float) -> bool:
        if not self.access_token:
            return False
        if self.expires_in is None:
            return True
        age = time.time() - self.obtained_at
        # A token from the future was stamped by another clock, or this one was set back.
        return -LEEWAY <= age < self.expires_in - seconds
