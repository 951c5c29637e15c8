# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""model_run: one module per operation."""
