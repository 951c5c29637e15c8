"""Faster versions of ``httpx.get`` and others for sandboxes, which create no TLS context."""

from __future__ import annotations

import ssl
from functools import partial

import httpx

_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # sandboxes do not use TLS

request = partial(httpx.request, verify=_TLS)
get = partial(httpx.get, verify=_TLS)
post = partial(httpx.post, verify=_TLS)
