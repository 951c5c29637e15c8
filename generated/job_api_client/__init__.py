# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""A client library for accessing Provena job-api."""

from prov_api_client.client import AuthenticatedClient, Client
from prov_api_client.operation import Operation, Request

from .operations import OPERATIONS

__all__ = ["OPERATIONS", "AuthenticatedClient", "Client", "Operation", "Request"]
