# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `ValidationError` schema."""

from __future__ import annotations

from attrs import define

from prov_api_client.types import Model


@define
class ValidationError(Model):
    """One fault in a request. An entry may carry more than these fields, for example a `ctx`
    object with the limit that was passed.

    Attributes:
        loc: Where the fault is: `query` or `body` first, then names of fields and positions
            in lists. `__root__` stands for an object as a whole.
        msg: What is wrong, for people to read.
        type: What is wrong, for programs to read, for example `value_error.missing`.
    """

    loc: list[str | int]
    msg: str
    type: str
