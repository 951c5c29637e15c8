"""Tokens, and when they run out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

# A token is renewed this long before it runs out, so that it does not on its way, and though the
# clocks of machines that share it differ. Of a short-lived one, half its life.
LEEWAY = 90.0


@frozen
class Tokens:
    """What a realm gave.

    Attributes:
        access_token: What calls are made with.
        refresh_token: What a new access token is had with.
        obtained_at: When, in seconds since 1970 by this machine's clock. That of the realm does not
            matter: it says how long a token is good, not until when.
        expires_in: For how many seconds the access token is good; ``None`` if that is not known.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(repr=False)
    obtained_at: float
    expires_in: float | None

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any], asked_at: float, seconds: float | None) -> Tokens:
        """Make them of the answer of a token endpoint.

        Args:
            answer: The answer, checked.
            asked_at: When it was asked for: the token may be as old as that.
            seconds: For how long the access token is good.
        """
        return cls(answer["access_token"], answer.get("refresh_token"), asked_at, seconds)

    def is_fresh(self) -> bool:
        """Say whether the access token is good for a while."""
        if self.expires_in is None:
            return True
        age = time.time() - self.obtained_at
        # One from the future was obtained by another clock, or this one was set back.
        return -LEEWAY <= age < self.expires_in - min(LEEWAY, self.expires_in / 2)

    def succeeding(self, before: str | None) -> Tokens:
        """Keep a refresh token that the realm did not replace."""
        return self if self.refresh_token else attrs.evolve(self, refresh_token=before)
