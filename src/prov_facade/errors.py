"""The errors of this package.

::

    ProvError
    ├── ConfigError (ValueError)              the configuration cannot be used
    ├── CredentialsError                             no token could be had
    ├── InvalidRequestError (ValueError)      bad input, found before anything was sent
    ├── FileError (OSError)                   a file on this machine cannot be written or read
    ├── TransportError                        there was no answer
    │   └── TransportTimeoutError (TimeoutError)
    ├── InvalidResponseError                  the answer cannot be used
    │   └── ReportError (AssertionError)      the answer is not a report
    ├── OperationFailedError                  status 200, but the body says that it failed
    ├── APIError                              the answer has an error status
    │   ├── BadRequestError                   400
    │   ├── AuthenticationError               401
    │   ├── PermissionDeniedError             401 for a missing role, 403
    │   ├── NotFoundError                     404
    │   ├── ValidationFailedError             422
    │   ├── RateLimitedError                  429
    │   └── ServerError                       5xx
    ├── JobError                              a job that the server took on
    │   ├── JobFailedError                    it failed
    │   ├── JobNotFoundError                  it is not known
    │   └── JobTimeoutError (TimeoutError)    it did not end in time
    └── SubmissionUnknownError                        whether model runs were submitted is not known

Every error says which operation it concerns, and what to do where that is known. None of them
holds a token.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import httpx
from attrs import field, frozen

from job_api_client.models import JobStatusTable
from prov_api_client.models import ValidationError


@frozen
class Call:
    """The call that an error is about.

    Attributes:
        operation: The operation, which is the name of the client's method. Of those that save or
            send a file, it is the method that does the same without one.
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
    """One attempt at a call that failed.

    Attributes:
        error: The class of its error.
        status_code: The HTTP status of its answer, or ``None`` where there was none.
        seconds: How long it took.
    """

    error: str
    status_code: int | None
    seconds: float

    def __str__(self) -> str:
        return f"{self.status_code or self.error} after {self.seconds:.1f} s"


# Where headers name the request in the server's own logs; the first that there is.
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "apigw-requestid",
    "x-amzn-trace-id",
)

OUTCOME_UNKNOWN = (
    "Whether the server acted on the request is not known: look before sending it again"
)
"""What is said of a call that changes something and got no answer."""


class ProvError(Exception):
    """The base of every error that this package raises.

    Attributes:
        attempts: The attempts that were made, the last one included; empty if there was none.
        call: The call that the error is about, or ``None`` when it is about none.
        response: The answer, or ``None`` where there was none. Without the headers of the request,
            and with the caller's token masked wherever the server repeated it.
    """

    def __init__(self, message: str, *, response: httpx.Response | None = None) -> None:
        super().__init__(message)
        self.call: Call | None = None
        self.response = response
        self.attempts: tuple[Attempt, ...] = ()

    def attach(self, call: Call) -> None:
        """Set the call that the error is about, and name it in the message; only the first counts.

        Errors are raised without it, and given it in one place, where the call is made.
        """
        if self.call is None:
            self.call = call
            self.args = (f"{call}: {self}",)

    def record(self, attempts: Iterable[Attempt]) -> None:
        """Note the attempts that were made, and name them in the message if there were several."""
        self.attempts = tuple(attempts)
        if len(self.attempts) > 1:
            made = ", ".join(map(str, self.attempts))
            self.args = (f"{self}. {len(self.attempts)} attempts were made: {made}",)

    @property
    def request_id(self) -> str | None:
        """What the request is called in the server's own logs, where the server says so."""
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
        """The HTTP status of the answer."""
        return self.response.status_code if self.response is not None else None

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructors take keywords, which the reduction of Exception does not know.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[ProvError], arguments: tuple[Any, ...], state: dict[str, Any]) -> ProvError:
    """Make an unpickled error."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments  # which the constructor of OSError, base of TimeoutError, would set
    for name, value in state.items():
        setattr(error, name, value)
    return error


class ConfigError(ProvError, ValueError):
    """The configuration cannot be used."""


class CredentialsError(ProvError):
    """No token could be had.

    Attributes:
        error: The code that the sign-in server gave, such as ``"invalid_grant"`` (RFC 6749, 5.2);
            ``None`` if it gave none.
        error_description: What it says about that, for a person.
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
        """Return an equal error without a traceback, for another call that failed likewise."""
        return CredentialsError(
            str(self),
            error=self.error,
            error_description=self.error_description,
            response=self.response,
        )


class InvalidRequestError(ProvError, ValueError):
    """An argument cannot be sent; nothing was sent.

    Attributes:
        path: Where the fault is, such as ``$.inputs[0].dataset_id``; ``$`` is the argument itself.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class FileError(ProvError, OSError):
    """A file on this machine cannot be written, or read to its end.

    Attributes:
        errno: The number of the system's error, such as ``errno.ENOSPC``, or ``None``.
        strerror: What the system says of it.
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
        return str(self.args[0])  # which that of OSError leaves out

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError keeps these outside the dictionary.
        state = {name: getattr(self, name) for name in ("errno", "strerror", "filename")}
        return _rebuild, (type(self), self.args, {**self.__dict__, **state})


class TransportError(ProvError):
    """There was no answer: the server was not reached, or the connection broke.

    Attributes:
        may_have_arrived: Whether the server may have acted on the request.
    """

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class TransportTimeoutError(TransportError, TimeoutError):
    """There was no answer in time."""


class InvalidResponseError(ProvError):
    """The answer cannot be used: it is not what the API promises.

    Attributes:
        path: Where the fault is, for JSON of the wrong shape; otherwise ``None``.
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
    """The answer is not a report.

    Attributes:
        session_id: The job that makes the report, where the server has started one.
    """

    def __init__(
        self,
        message: str,
        *,
        session_id: str | None = None,
        path: str | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, path=path, response=response)
        self.session_id = session_id


class OperationFailedError(ProvError):
    """The server answered with status 200 and a body that says that the operation failed.

    Attributes:
        details: What the server says.
        result: The body, decoded.
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
class Fault:
    """What an error status came with.

    Attributes:
        detail: What the server says, as text; empty when it says nothing.
        body: The body: decoded when it is JSON, otherwise its text.
        errors: The entries of a 422.
        retry_after: After how many seconds the server wants to be asked again.
    """

    detail: str = ""
    body: Any = None
    errors: list[ValidationError] = field(factory=list)
    retry_after: float | None = None


class APIError(ProvError):
    """The answer has an error status.

    Attributes:
        detail: What the server says, as text; empty when it says nothing.
        body: The body: decoded when it is JSON, otherwise its text.
        retry_after: After how many seconds the server wants to be asked again, if it says so.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self._fault = fault or Fault()
        self.detail = self._fault.detail
        self.body = self._fault.body
        self.retry_after = self._fault.retry_after


class BadRequestError(APIError):
    """400: the server understood the request and refuses it."""


class AuthenticationError(APIError):
    """401: the server does not accept the token, or there was none."""


class PermissionDeniedError(APIError):
    """401 for a missing role, or 403: the token is good, but does not allow this."""


class NotFoundError(APIError):
    """404: there is nothing at this address."""


class ValidationFailedError(APIError):
    """422: the server finds the request malformed.

    Attributes:
        errors: What is wrong, and where; empty if the server's list could not be read.
    """

    @property
    def errors(self) -> list[ValidationError]:
        """What is wrong, and where."""
        return self._fault.errors


class RateLimitedError(APIError):
    """429: too many requests."""


class ServerError(APIError):
    """5xx: the server, or a gateway in front of it, failed."""


class JobError(ProvError):
    """Something about a job that the server took on.

    Attributes:
        session_id: The job.
        job: The job as it was last seen; ``None`` if it never was.
    """

    def __init__(
        self,
        message: str,
        *,
        session_id: str,
        job: JobStatusTable | None = None,
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.session_id = session_id
        self.job = job


class JobFailedError(JobError):
    """The job failed.

    Attributes:
        reason: Why, in the server's words; empty if it does not say.
    """

    @property
    def reason(self) -> str:
        """Why, in the server's words; empty if it does not say."""
        return (self.job.info if self.job else None) or ""


class JobNotFoundError(JobError):
    """The job-api does not know the job, though it has had time to."""


class JobTimeoutError(JobError, TimeoutError):
    """The job did not end in time. It goes on, and can be waited for again."""


class SubmissionUnknownError(ProvError):
    """Whether model runs were submitted is not known, and could not be found out.

    Attributes:
        chunk: The number of the chunk, in the manifest if there is one.
        first: The position of its first record.
        count: How many records it has.
        candidates: The session ids of jobs that may be its own.
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
