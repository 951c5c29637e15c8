# Compiled from openapi/job-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""jobs: one module per operation."""
