from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


@pytest.fixture
def package(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("recursion")


@pytest.fixture
def models(package: Any) -> Any:
    return package.models


def test_a_model_can_contain_itself_in_lists_and_maps(models: Any) -> None:
    leaf = {"name": "leaf", "children": None, "by_name": None}
    branch = {"name": "branch", "children": [leaf], "by_name": {"leaf": leaf}}
    root = {"name": "root", "children": [branch, leaf], "by_name": {}}
    tree = models.Tree.from_dict(root)
    assert type(tree.children[0].by_name["leaf"]) is models.Tree
    assert tree.to_dict() == root
    assert pickle.loads(pickle.dumps(tree)) == tree  # noqa: S301 (our own bytes)


def test_an_error_names_the_path_of_a_nested_value(models: Any) -> None:
    wrong = {"name": "root", "children": [{"name": "branch", "by_name": {"leaf": {"name": 1}}}]}
    with pytest.raises(
        msgspec.ValidationError, match=r"\$\.children\[0\]\.by_name\[\.\.\.\]\.name"
    ):
        models.Tree.from_dict(wrong)


@pytest.mark.parametrize("first", ["Author", "Book"])
def test_two_models_can_contain_each_other(models: Any, first: str) -> None:
    book = {"title": "One", "author": {"name": "Ann", "books": [{"title": "Two", "author": None}]}}
    author = {"name": "Ann", "books": [book]}
    given = {"Author": author, "Book": book}[first]
    model = getattr(models, first).from_dict(given)
    assert type(model) is getattr(models, first)
    assert model.to_dict() == given


def test_a_recursive_model_is_received(
    package: Any, call: Callable[..., Any], httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/trees").respond_with_json(
        {"name": "root", "children": [{"name": "leaf"}], "grown": True}
    )
    tree = package.models.Tree
    assert call(package.api.trees.get_tree) == tree("root", children=[tree("leaf")])


@pytest.fixture
def echo(httpserver: HTTPServer) -> None:
    """The server sends each JSON body back."""

    def send_back(request: Request) -> Response:
        assert request.content_type == "application/json"
        return Response(request.get_data(), content_type="application/json")

    for path in ("/authors", "/forests"):
        httpserver.expect_request(path, method="POST").respond_with_handler(send_back)


class Dumped:
    """A class with the method that identifies pydantic models."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, object]:
        assert (mode, exclude_none) == ("json", True)
        return self.fields


class DumpedV1:
    """A class with the method that identifies models of pydantic 1."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields

    def dict(self, *, exclude_none: bool) -> Mapping[str, object]:
        assert exclude_none
        return self.fields


@pytest.mark.usefixtures("echo")
def test_a_cycle_of_models_is_sent_and_received(package: Any, call: Callable[..., Any]) -> None:
    author = package.models.Author("Ann", [])
    author.books.append(package.models.Book("One", author=package.models.Author("Bob", [])))
    assert call(package.api.authors.echo_author, body=author) == author


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    "body",
    [
        {"name": "Ann", "books": []},
        MappingProxyType({"name": "Ann", "books": []}),
        Dumped(name="Ann", books=[]),
        DumpedV1(name="Ann", books=[]),
        {"name": "Ann", "books": iter(())},
    ],
    ids=["dict", "mapping", "pydantic", "pydantic 1", "iterator"],
)
def test_a_mapping_or_a_pydantic_model_can_replace_a_model(
    package: Any, call: Callable[..., Any], body: object
) -> None:
    author = package.models.Author("Ann", [])
    assert call(package.api.authors.echo_author, body=body) == author


@pytest.mark.usefixtures("echo")
def test_a_list_of_models_may_be_any_iterable(package: Any, call: Callable[..., Any]) -> None:
    tree = package.models.Tree
    forest = (item for item in [tree("a"), {"name": "b"}, Dumped(name="c")])
    assert call(package.api.trees.echo_forest, body=forest) == [tree("a"), tree("b"), tree("c")]


@pytest.mark.usefixtures("echo")
def test_a_body_that_is_not_json_is_an_error(package: Any, call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="object cannot be encoded as JSON"):
        call(package.api.authors.echo_author, body={"name": object()})
