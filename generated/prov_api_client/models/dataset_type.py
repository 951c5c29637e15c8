# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `DatasetType` enumeration."""

from ..types import OpenStrEnum


class DatasetType(OpenStrEnum):
    """Where a dataset is kept. `DATA_STORE` is the deployment's own data store, the only place so
    far."""

    DATA_STORE = "DATA_STORE"
