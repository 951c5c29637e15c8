# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The `BodyConvertModelRunsCsv` schema."""

from __future__ import annotations

from attrs import define

from ..types import File, RequestFiles, multipart


@define
class BodyConvertModelRunsCsv:
    """The form that carries a CSV file of model runs.

    Attributes:
        csv_file: The CSV file, in UTF-8.
    """

    csv_file: File

    def to_multipart(self) -> RequestFiles:
        """Lay the parts out the way httpx sends them."""
        return multipart(
            {
                "csv_file": self.csv_file,
            }
        )
