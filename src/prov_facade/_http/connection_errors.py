"""Explains why a connection could not be opened."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator

# Their numbers are not those of the system: macOS has 8 for an unknown name.
_OTHER_NUMBERS = (ssl.SSLError, socket.gaierror)


def certificate_fault(error: BaseException | None) -> str | None:
    """Return what is wrong with a certificate; ``None`` if that is not the reason for an error.

    Args:
        error: The error of an attempt to connect.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_message"):
            return str(cause.verify_message)
    return None


def system_fault(error: BaseException) -> str:
    """Return the reason that the system gave for an error, such as ``Connection refused``.

    Args:
        error: The error of an attempt to connect.

    Returns:
        The reason; the text of the error if the system gave none.
    """
    reason = str(error)
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
            number = cause.errno or 0
            if number in errno.errorcode and not isinstance(cause, _OTHER_NUMBERS):
                reason = os.strerror(number)  # asyncio has another text, with the address
    return reason


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):  # one error for each address of a host
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__
