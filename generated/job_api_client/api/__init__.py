# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""One package per tag of the document, one module per operation."""
