# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""What the operations raise when a response holds no value that they can return."""

import httpx


class ResponseError(Exception):
    """A response without a usable value.

    Attributes:
        response: The response.
        reason: What is wrong with it. Never quotes the body.
    """

    def __init__(self, response: httpx.Response, reason: str) -> None:
        super().__init__(response, reason)
        self.response = response
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class UnexpectedStatus(ResponseError):
    """The status is not one that the document lists as a success."""


class UnexpectedContentType(ResponseError):
    """The content type is not one that the document lists for the status."""


class UnreadableBody(ResponseError):
    """The body is not what its content type and the document say."""


__all__ = ["ResponseError", "UnexpectedContentType", "UnexpectedStatus", "UnreadableBody"]
