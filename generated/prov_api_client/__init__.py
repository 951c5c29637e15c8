# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""A client library for accessing Provena prov-api."""

from .client import AuthenticatedClient, Client
from .operation import Operation, Request
from .operations import OPERATIONS

__all__ = ["OPERATIONS", "AuthenticatedClient", "Client", "Operation", "Request"]
