# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""health: one module per operation."""
