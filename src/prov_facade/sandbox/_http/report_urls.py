"""Signed URLs of the reports that jobs have created."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping

_LIFETIME = 3600


def report_url(base_url: str, key: bytes, session_id: str) -> str:
    """Create the signed URL of the report of a job."""
    expires = int(time.time()) + _LIFETIME
    signature = _signature(key, session_id, expires)
    return f"{base_url}/reports/{session_id}?expires={expires}&signature={signature}"


def is_valid(query: Mapping[str, str], key: bytes, session_id: str) -> bool:
    """Whether the query of a URL has a valid signature that has not expired."""
    seconds = re.fullmatch("[0-9]{1,12}", query.get("expires", ""))
    expires = int(seconds[0]) if seconds else 0
    signature = _signature(key, session_id, expires)
    return expires >= time.time() and hmac.compare_digest(
        signature.encode(), query.get("signature", "").encode()
    )


def _signature(key: bytes, session_id: str, expires: int) -> str:
    return hmac.new(key, f"{session_id}:{expires}".encode(), hashlib.sha256).hexdigest()
