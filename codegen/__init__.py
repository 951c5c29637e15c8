"""Compiles the OpenAPI documents into the packages under ``generated/``."""
