from __future__ import annotations

import inspect
from collections.abc import Iterable
from enum import Enum
from importlib import import_module
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from facade.interface import (
    ADDED,
    ADMIN_ENDPOINTS,
    ENDPOINTS,
    FILE_METHODS,
    JOB_METHODS,
    PROV_ADMIN_CLIENT,
    PROV_CLIENT,
    REQUIRED,
    Method,
    Parameter,
)

import job_api_client.models
import prov_api_client.models
import prov_facade
from prov_api_client import OPERATIONS
from prov_facade import (
    BearerToken,
    ClientService,
    Config,
    ProvAdminClient,
    ProvAPIAdminEndpoints,
    ProvAPIEndpoints,
    ProvClient,
    _exports,
    models,
)

CLIENTS: tuple[type[ClientService], ...] = (ProvClient, ProvAdminClient)
METHODS = [
    pytest.param(client, method, id=method.name)
    for client, methods in zip(CLIENTS, (PROV_CLIENT, PROV_ADMIN_CLIENT), strict=True)
    for method in methods
]
PUBLIC_METHODS = [
    pytest.param(client, name, id=name)
    for client in CLIENTS
    for name, value in vars(client).items()
    if inspect.isfunction(value) and not name.startswith("_")
]


@pytest.mark.parametrize(
    ("enum", "values"),
    [(ProvAPIEndpoints, ENDPOINTS), (ProvAPIAdminEndpoints, ADMIN_ENDPOINTS)],
)
def test_the_endpoints_match_the_interface(enum: type[Enum], values: dict[str, str]) -> None:
    assert {member.name: member.value for member in enum} == values
    assert enum.__bases__ == (str, Enum)
    assert [str.__str__(member) for member in enum] == list(values.values())


@pytest.mark.parametrize("client", CLIENTS)
def test_the_clients_have_the_attributes_of_the_interface(
    client: type[ClientService],
) -> None:
    auth, config = BearerToken("t"), Config("prov.test", "provena")
    assert client.__bases__ == (ClientService,)
    instance = client(auth, config)
    assert instance._auth is auth
    assert instance._config is config
    parameters = list(inspect.signature(client).parameters.values())
    assert [p.name for p in parameters[:2]] == ["auth", "config"]
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters[:2])
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in parameters[2:])


def test_the_admin_client_is_an_attribute_that_shares_auth_and_config() -> None:
    client = ProvClient(BearerToken("t"), Config("prov.test", "provena"))
    assert isinstance(client.admin, ProvAdminClient)
    assert get_type_hints(ProvClient)["admin"] is ProvAdminClient
    assert client.admin._auth is client._auth
    assert client.admin._config is client._config


def test_build_endpoint_appends_the_path_to_the_prov_api_url() -> None:
    client = ProvClient(BearerToken("t"), Config("prov.test", "provena"))
    for member in ProvAPIEndpoints:
        assert client._build_endpoint(member) == f"https://prov-api.prov.test{member.value}"
    for admin in ProvAPIAdminEndpoints:
        assert client.admin._build_endpoint(admin) == f"https://prov-api.prov.test{admin.value}"
    for kind, enum in ((ProvClient, ProvAPIEndpoints), (ProvAdminClient, ProvAPIAdminEndpoints)):
        hints = get_type_hints(kind._build_endpoint)
        assert hints == {"endpoint": enum, "return": str}


@pytest.mark.parametrize(("client", "method"), METHODS)
def test_a_method_matches_the_interface(client: type[ClientService], method: Method) -> None:
    function = getattr(client, method.name)
    assert inspect.iscoroutinefunction(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    count = len(method.parameters)
    assert [p.name for p in parameters[:count]] == [p.name for p in method.parameters]
    for parameter, expected in zip(parameters[:count], method.parameters, strict=True):
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        default = REQUIRED if parameter.default is parameter.empty else parameter.default
        assert default is expected.default
    for parameter in parameters[count:]:
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is not parameter.empty
    assert get_type_hints(function)["return"].__name__ == method.returns


@pytest.mark.parametrize(("client", "method"), METHODS)
def test_the_parameters_of_a_method_match_the_interface(
    client: type[ClientService], method: Method
) -> None:
    hints = get_type_hints(getattr(client, method.name))
    for parameter in method.parameters:
        assert accepts(hints[parameter.name], parameter)


def accepts(hint: Any, parameter: Parameter) -> bool:
    """Return whether a type hint accepts a parameter of the interface."""
    simple: dict[str, Any] = {"str": str, "bool": bool, "int": Union[int, None]}  # noqa: UP007
    if parameter.kind in simple:
        return bool(hint == simple[parameter.kind])
    kind = parameter.kind
    if kind.startswith("Iterable["):
        assert get_origin(hint) is Iterable
        (hint,) = get_args(hint)
        kind = kind.removeprefix("Iterable[").removesuffix("]")
    return getattr(models, kind) in get_args(hint)


@pytest.mark.parametrize("client", CLIENTS)
def test_other_methods_are_listed_as_added(
    client: type[ClientService],
) -> None:
    methods = PROV_CLIENT if client is ProvClient else PROV_ADMIN_CLIENT
    added = ADDED[client.__name__]
    found = {
        name
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert found == {m.name for m in methods} | set(added) | {"aclose"}
    for name, expected in added.items():
        parameters = inspect.signature(getattr(client, name)).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional == ["self", *expected]
        function = getattr(client, name)
        assert inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def test_every_public_name_exists_once() -> None:
    for module in (prov_facade, prov_facade.errors, models):
        assert len(module.__all__) == len(set(module.__all__))
        assert all(hasattr(module, name) for name in module.__all__)


def test_errors_and_models_are_importable_from_the_top() -> None:
    assert set(prov_facade.errors.__all__) <= set(prov_facade.__all__)
    assert set(_exports.__all__) <= set(prov_facade.__all__)
    for name, module in _exports.MODULES.items():
        assert getattr(prov_facade, name) is getattr(import_module(module), name)
    with pytest.raises(AttributeError, match="no attribute 'ValidationError'"):
        prov_facade.ValidationError  # type: ignore[attr-defined]  # noqa: B018
    generated = {
        # A name in both documents refers to the schema of the prov-api.
        **vars(job_api_client.models),
        **vars(prov_api_client.models),
    }
    exported = {*job_api_client.models.__all__, *prov_api_client.models.__all__}
    assert set(models.__all__) == exported
    for name in models.__all__:
        assert getattr(models, name) is generated[name]


def test_schemas_in_both_documents_have_the_same_fields() -> None:
    both = {*job_api_client.models.__all__} & {*prov_api_client.models.__all__}
    assert both == {"ErrorDetail", "HTTPValidationError", "ValidationError"}
    for name in both:
        ours, others = getattr(prov_api_client.models, name), getattr(job_api_client.models, name)
        assert str(attrs.fields_dict(ours)) == str(attrs.fields_dict(others))


def test_everything_public_has_a_docstring() -> None:
    undocumented = []
    for name in prov_facade.__all__:
        value = getattr(prov_facade, name)
        if inspect.ismodule(value) and not value.__doc__:
            undocumented.append(name)
        if not inspect.isclass(value) or not value.__module__.startswith(("prov", "job")):
            continue
        members = {n: v for n, v in vars(value).items() if not n.startswith("_")}
        undocumented += [name] if not value.__doc__ else []
        undocumented += [
            f"{name}.{member}"
            for member, item in members.items()
            if (inspect.isfunction(item) or isinstance(item, property)) and not item.__doc__
        ]
    assert not undocumented


@pytest.mark.parametrize(("client", "name"), PUBLIC_METHODS)
def test_a_docstring_names_the_route_every_parameter_and_the_result(
    client: type[ClientService], name: str
) -> None:
    function = getattr(client, name)
    lines = inspect.getdoc(function).splitlines()  # type: ignore[union-attr]
    operation = OPERATIONS[{**FILE_METHODS, **JOB_METHODS}.get(name, name)]
    route = f"``{operation.method} {operation.path}``"
    assert lines[0].endswith(".") or ". " in lines[0]
    if name in JOB_METHODS:
        assert any(line.startswith(f"Routes: {route}, ") for line in lines)
    else:
        assert f"Route: {route}" in lines
    result = "Yields:" if inspect.isasyncgenfunction(function) else "Returns:"
    arguments = lines[lines.index("Args:") : lines.index(result)]
    documented = [
        line.strip().partition(":")[0]
        for line in arguments
        if line.startswith("    ") and not line.startswith("     ")
    ]
    assert documented == [p for p in inspect.signature(function).parameters if p != "self"]
    assert lines[lines.index(result) + 1].strip()
    assert "Raises:" in lines
