import re

import httpx
import pytest
from fastapi.routing import APIRoute

from conftest import HERE
from tallybook.server.answers import REFUSALS
from tallybook.server.epidata import epidata_routes

TEXT = (HERE / "docs/reference/routes.md").read_text()
COMMON = TEXT.split("### ")[0]


def test_every_route_and_every_parameter_is_documented(past: str) -> None:
    document = httpx.get(f"{past}/api/v1/openapi.json").json()["paths"]
    assert len(document) == 9
    for path, methods in document.items():
        section = re.search(rf"^### `GET {re.escape(path)}`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
        assert section, f"{path} is not documented"
        for parameter in methods["get"].get("parameters", []):
            assert f"`{parameter['name']}`" in section[1] + COMMON, (path, parameter["name"])
            assert parameter.get("description"), (path, parameter["name"])


def test_every_route_of_epidata_is_documented() -> None:
    paths = {route.path for route in epidata_routes({}).routes if isinstance(route, APIRoute)}
    named = {path for path in paths if f"{path}/" not in paths}
    assert len(named) == 9
    for path in named:
        assert f"| `/epidata{path}` |" in TEXT, f"{path} is not documented"


@pytest.mark.parametrize("status", REFUSALS)
def test_every_refusal_is_documented(status: int) -> None:
    assert f"| {status} | " in TEXT
