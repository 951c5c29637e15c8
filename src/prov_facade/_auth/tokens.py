"""Tokens, and when they run out."""

from __future__ import annotations

import time

import attrs
from attrs import frozen

# A token is renewed this long before it runs out, so that it does not on its way, and though the
# clocks of machines that share it differ. Of a short-lived one, half its life.
LEEWAY = 90.0
# One that cannot be renewed is used until shortly before its end.
_LAST = 5.0


@frozen
class Tokens:
    """What a realm gave.

    Attributes:
        access_token: What calls are made with; empty if there is none (any more).
        refresh_token: What a new access token is had with.
        obtained_at: When, in seconds since 1970 by this machine's clock. That of the realm does not
            matter: it says how long a token is good, not until when.
        expires_in: For how many seconds the access token is good; ``None`` if that is not known.
        scope: What they are good for, where the realm said so.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(repr=False)
    obtained_at: float
    expires_in: float | None
    scope: str | None = None

    def is_fresh(self) -> bool:
        """Say whether the access token is good for a while."""
        return self._has_left(min(LEEWAY, (self.expires_in or 0) / 2))

    def is_good(self) -> bool:
        """Say whether the access token is good yet."""
        return self._has_left(min(_LAST, (self.expires_in or 0) / 2))

    def succeeding(self, before: str | None) -> Tokens:
        """Keep a refresh token that the realm did not replace."""
        return self if self.refresh_token else attrs.evolve(self, refresh_token=before)

    def _has_left(self, seconds: float) -> bool:
        if not self.access_token:
            return False
        if self.expires_in is None:
            return True
        age = time.time() - self.obtained_at
        # One from the future was obtained by another clock, or this one was set back.
        return -LEEWAY <= age < self.expires_in - seconds
