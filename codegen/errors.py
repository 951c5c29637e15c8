"""The error of the generators."""


class CodegenError(Exception):
    """The source cannot be compiled into correct code."""
