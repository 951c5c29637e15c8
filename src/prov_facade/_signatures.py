"""Expands settings, defined once in a TypedDict, in the signatures of functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def takes_settings(settings: type, **defaults: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Show and check the keys of a TypedDict that a function takes as ``**settings``.

    Type checkers read them from ``Unpack``. This is for ``help()``, for completion in notebooks,
    and for Python's usual ``TypeError`` about an unknown name.

    Args:
        settings: The TypedDict.
        **defaults: The defaults that are not ``None``.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        *named, _ = signature.parameters.values()
        named += [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults.get(name),
                # A string, like the function's own annotations.
                annotation=getattr(annotation, "__forward_arg__", annotation),
            )
            for name, annotation in settings.__annotations__.items()
        ]
        expanded = signature.replace(parameters=named)

        @wraps(function)
        def wrapper(*arguments: P.args, **keywords: P.kwargs) -> R:
            try:
                expanded.bind(*arguments, **keywords)
            except TypeError as error:
                is_method = function.__name__ == "__init__"
                name = type(arguments[0]).__name__ if is_method else function.__qualname__
                raise TypeError(f"{name}() {error}") from None
            return function(*arguments, **keywords)

        wrapper.__signature__ = expanded  # type: ignore[attr-defined]
        return wrapper

    return decorate
