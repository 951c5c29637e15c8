"""What can go wrong while a client is generated."""


class CodegenError(Exception):
    """The document cannot be compiled into a client that keeps its promises."""
