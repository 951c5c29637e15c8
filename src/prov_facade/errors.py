"""The errors of this package.

::

    ProvError
    ├── ConfigError (ValueError)              the configuration is invalid
    ├── CredentialsError                      no token could be obtained
    ├── InvalidRequestError (ValueError)      invalid argument, found before anything was sent
    ├── FileError (OSError)                   a local file cannot be written or read
    ├── TransportError                        no complete response was received
    │   ├── CertificateError                  the certificate of the server was rejected
    │   └── TransportTimeoutError (TimeoutError)
    ├── InvalidResponseError                  the response is invalid
    │   └── ReportError (AssertionError)      the response is not a report
    ├── OperationFailedError                  status 200, but the body reports a failure
    ├── APIError                              the response has an error status
    │   ├── BadRequestError                   400
    │   ├── AuthenticationError               401
    │   ├── PermissionDeniedError             401 for a missing role or right, 403
    │   ├── NotFoundError                     404
    │   ├── ValidationFailedError             422
    │   ├── RateLimitedError                  429
    │   └── ServerError                       5xx
    ├── JobError                              a job on the server
    │   ├── JobFailedError                    it failed
    │   ├── JobNotFoundError                  it is unknown
    │   └── JobTimeoutError (TimeoutError)    it did not end in time
    └── SubmissionUnknownError                model runs may or may not have been submitted

Every error names the operation that it concerns and, where possible, what to do next. No error
contains a token.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import httpx
from attrs import field, frozen

# Not the classes: one is named ValidationError, and would look like an error of this module.
from job_api_client import models as job_models
from prov_api_client import models as prov_models


@frozen
class Call:
    """The call that an error is about.

    Attributes:
        operation: The operation, which is the name of the client's method. For a method that saves
            or sends a file, it is the corresponding method without a file.
        method: The HTTP method.
        url: The URL.
    """

    operation: str
    method: str
    url: str

    def __str__(self) -> str:
        return f"{self.operation} ({self.method} {self.url})"


@frozen
class Attempt:
    """A failed attempt at a call.

    Attributes:
        error: The name of the error class.
        status_code: The HTTP status of the response, or ``None`` if there was no response.
        seconds: The duration of the attempt.
    """

    error: str
    status_code: int | None
    seconds: float

    def __str__(self) -> str:
        return f"{self.status_code or self.error} after {self.seconds:.1f} s"


# Headers with the id of the request in the server's logs, in order of preference.
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "apigw-requestid",
    "x-amzn-trace-id",
)

OUTCOME_UNKNOWN_ADVICE = "The server may have acted on the request: check before sending it again"
"""Part of the message for a call that changes something and received no response."""


class ProvError(Exception):
    """The base class of all errors of this package.

    Attributes:
        attempts: The failed attempts, including the last one; empty if nothing was sent.
        call: The call that the error is about, or ``None`` if it is not about a call.
        response: The response, or ``None`` if there was none. It does not contain the headers of
            the request, and the caller's token is masked wherever the server repeated it.
    """

    def __init__(self, message: str, *, response: httpx.Response | None = None) -> None:
        super().__init__(message)
        self.call: Call | None = None
        self.response = response
        self.attempts: tuple[Attempt, ...] = ()

    def attach(self, call: Call) -> None:
        """Set the call of the error and add it to the message, unless one is already set.

        Errors are raised without it, and receive it in one place, where the call is made.
        """
        if self.call is None:
            self.call = call
            if not str(self).startswith(f"{call}: "):  # quoted from an error of the same call
                self.args = (f"{call}: {self}",)

    def record(self, attempts: Iterable[Attempt]) -> None:
        """Store the attempts, and add them to the message if there were several."""
        self.attempts = tuple(attempts)
        if len(self.attempts) > 1:
            made = ", ".join(map(str, self.attempts))
            message = str(self).removesuffix(".")
            self.args = (f"{message}. {len(self.attempts)} attempts were made: {made}",)

    @property
    def request_id(self) -> str | None:
        """The id of the request in the server's logs, if the server sent one."""
        headers = self.response.headers if self.response is not None else {}
        return next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)

    @property
    def operation(self) -> str | None:
        """The operation, which is the name of the client's method."""
        return self.call.operation if self.call else None

    @property
    def method(self) -> str | None:
        """The HTTP method of the request."""
        return self.call.method if self.call else None

    @property
    def url(self) -> str | None:
        """The URL of the request."""
        return self.call.url if self.call else None

    @property
    def status_code(self) -> int | None:
        """The HTTP status of the response."""
        return self.response.status_code if self.response is not None else None

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ does not support the keyword arguments of the constructors.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[ProvError], arguments: tuple[Any, ...], state: dict[str, Any]) -> ProvError:
    """Recreate a pickled error."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments  # the constructor of OSError, base of TimeoutError, would set these
    for name, value in state.items():
        setattr(error, name, value)
    return error


class ConfigError(ProvError, ValueError):
    """The configuration is invalid."""


class CredentialsError(ProvError):
    """No token could be obtained.

    Attributes:
        error: The error code of the sign-in server, such as ``"invalid_grant"`` (RFC 6749, 5.2);
            ``None`` if it sent none.
        error_description: The server's human-readable description of the error.
    """

    def __init__(
        self,
        message: str,
        *,
        error: str | None = None,
        error_description: str | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.error = error
        self.error_description = error_description

    def copy(self) -> CredentialsError:
        """Copy the error without its traceback, for another call that failed in the same way."""
        return CredentialsError(
            str(self),
            error=self.error,
            error_description=self.error_description,
            response=self.response,
        )


class InvalidRequestError(ProvError, ValueError):
    """An argument is invalid. Nothing was sent.

    Attributes:
        path: The path of the invalid value, such as ``$.inputs[0].dataset_id``; ``$`` is the
            argument itself.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class FileError(ProvError, OSError):
    """A local file could not be written, or not read completely.

    Attributes:
        errno: The error number of the system, such as ``errno.ENOSPC``, or ``None``.
        strerror: The system's description of the error.
        filename: The file.
    """

    def __init__(
        self,
        message: str,
        *,
        number: int | None = None,
        filename: str | None = None,
    ) -> None:
        super().__init__(message)
        self.errno = number
        self.strerror = None if number is None else os.strerror(number)
        self.filename = filename

    def __str__(self) -> str:
        return str(self.args[0])  # OSError.__str__ omits it

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError does not store these in __dict__.
        state = {name: getattr(self, name) for name in ("errno", "strerror", "filename")}
        return _rebuild, (type(self), self.args, {**self.__dict__, **state})


class TransportError(ProvError):
    """No complete response was received: the connection was not made, or broke.

    Attributes:
        may_have_arrived: Whether the server may have acted on the request.
    """

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class CertificateError(TransportError):
    """The certificate of the server was rejected. Nothing was sent, and nothing is retried."""

    def __init__(self, message: str) -> None:
        super().__init__(message, may_have_arrived=False)


class TransportTimeoutError(TransportError, TimeoutError):
    """No response was received in time."""


class InvalidResponseError(ProvError):
    """The response is invalid: it does not match the description of the API.

    Attributes:
        path: The path of the invalid value, if the JSON does not match the schema; otherwise
            ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.path = path


class ReportError(InvalidResponseError, AssertionError):
    """The response is not a report.

    Attributes:
        session_id: The session id of the job that creates the report, if the server started one.
        incomplete: Whether the response is the beginning of a report.
    """

    def __init__(
        self,
        message: str,
        *,
        session_id: str | None = None,
        path: str | None = None,
        response: httpx.Response | None = None,
        incomplete: bool = False,
    ) -> None:
        super().__init__(message, path=path, response=response)
        self.session_id = session_id
        self.incomplete = incomplete


class OperationFailedError(ProvError):
    """The server responded with status 200 and a body that reports a failure.

    Attributes:
        details: The server's reason.
        result: The decoded body.
    """

    def __init__(
        self,
        message: str,
        *,
        details: str,
        result: object,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.details = details
        self.result = result


@frozen
class ErrorContent:
    """The content of an error response.

    Attributes:
        detail: The server's reason, as text; empty if it gave none.
        body: The body: decoded if it is JSON, otherwise as text.
        errors: The validation errors of a 422.
        retry_after: The seconds to wait before a retry, from ``Retry-After``.
    """

    detail: str = ""
    body: Any = None
    errors: list[prov_models.ValidationError] = field(factory=list)
    retry_after: float | None = None


class APIError(ProvError):
    """The response has an error status.

    Attributes:
        detail: The server's reason, as text; empty if it gave none.
        body: The body: decoded if it is JSON, otherwise as text.
        retry_after: The seconds to wait before a retry, from ``Retry-After``, or ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        content: ErrorContent | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self._content = content or ErrorContent()
        self.detail = self._content.detail
        self.body = self._content.body
        self.retry_after = self._content.retry_after


class BadRequestError(APIError):
    """400: the server rejects the request."""


class AuthenticationError(APIError):
    """401: the token is invalid or missing."""


class PermissionDeniedError(APIError):
    """401 for a missing role or right, or 403: the token is valid, but does not permit this."""


class NotFoundError(APIError):
    """404: the URL does not exist."""


class ValidationFailedError(APIError):
    """422: the request does not match the server's schema.

    Attributes:
        errors: The errors and their locations; empty if the server's list could not be parsed.
    """

    @property
    def errors(self) -> list[prov_models.ValidationError]:
        """The errors and their locations."""
        return self._content.errors


class RateLimitedError(APIError):
    """429: too many requests."""


class ServerError(APIError):
    """5xx: the server, or a gateway in front of it, failed."""


class JobError(ProvError):
    """An error of a job on the server.

    Attributes:
        session_id: The session id of the job.
        job: The last known state of the job; ``None`` if it was never known.
    """

    def __init__(
        self,
        message: str,
        *,
        session_id: str,
        job: job_models.JobStatusTable | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.session_id = session_id
        self.job = job


class JobFailedError(JobError):
    """The job failed.

    Attributes:
        reason: The server's reason; empty if it gave none.
    """

    @property
    def reason(self) -> str:
        """The server's reason; empty if it gave none."""
        return (self.job.info if self.job else None) or ""


class JobNotFoundError(JobError):
    """The job-api still does not know the job after the grace period."""


class JobTimeoutError(JobError, TimeoutError):
    """The job did not end in time. It may still end, and can be waited for again."""


class SubmissionUnknownError(ProvError):
    """Could not determine whether model runs were submitted.

    Attributes:
        chunk: The number of the chunk, in the manifest if there is one.
        first: The position of the first record of the chunk.
        count: The number of records in the chunk.
        candidates: The session ids of jobs that may belong to the chunk.
    """

    def __init__(
        self,
        message: str,
        *,
        chunk: int,
        first: int,
        count: int,
        candidates: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.chunk = chunk
        self.first = first
        self.count = count
        self.candidates = tuple(candidates)


__all__ = [
    "APIError",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "Call",
    "CertificateError",
    "ConfigError",
    "CredentialsError",
    "FileError",
    "InvalidRequestError",
    "InvalidResponseError",
    "JobError",
    "JobFailedError",
    "JobNotFoundError",
    "JobTimeoutError",
    "NotFoundError",
    "OperationFailedError",
    "PermissionDeniedError",
    "ProvError",
    "RateLimitedError",
    "ReportError",
    "ServerError",
    "SubmissionUnknownError",
    "TransportError",
    "TransportTimeoutError",
    "ValidationFailedError",
]
