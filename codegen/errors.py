"""The error that the generators raise."""


class CodegenError(Exception):
    """The source cannot be compiled into correct code."""
