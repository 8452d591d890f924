"""One description out of many."""

from typing import Any

from meeting.transports.gateway.schema import COMPONENTS, merge
from meeting.transports.policy import Domain

ROUTES = {("GET", "/a"): Domain.AI, ("GET", "/u"): Domain.USER, ("POST", "/u"): Domain.USER}


def described(path: str, shapes: dict[str, Any], *methods: str) -> dict[str, Any]:
    """Describe a path whose answer is the shape `Page`."""
    operation = {"responses": {"200": {"$ref": COMPONENTS + "Page"}}}
    return {
        "openapi": "3.1.0",
        "paths": {path: dict.fromkeys(methods, operation)},
        "components": {"schemas": shapes, "securitySchemes": {"token": {}}},
    }


def test_each_owner_tells_of_its_own_routes() -> None:
    """Where an owner serves another's route, too, that is the other's to describe."""
    user = described("/u", {"Page": {}}, "get", "post")
    ai = described("/a", {"Page": {}}, "get")
    user["paths"]["/a"] = {"get": {"stolen": True}}
    found = merge({Domain.USER: user, Domain.AI: ai}, ROUTES)
    assert list(found["paths"]) == ["/a", "/u"]
    assert found["paths"]["/a"] == ai["paths"]["/a"]
    assert set(found["paths"]["/u"]) == {"get", "post"}
    assert found["components"] == {"schemas": {"Page": {}}, "securitySchemes": {"token": {}}}


def test_shapes_of_one_name_stay_apart() -> None:
    """One that differs is called after its owner, and so is what names it, alike or not."""
    page = {"items": {"$ref": COMPONENTS + "Row"}}
    user = described("/u", {"Page": page, "Row": {"type": "string"}}, "get")
    ai = described("/a", {"Page": page, "Row": {"type": "integer"}}, "get")
    found = merge({Domain.USER: user, Domain.AI: ai}, ROUTES)
    assert found["components"]["schemas"] == {
        "Page": page,
        "Row": {"type": "string"},
        "ai.Page": {"items": {"$ref": COMPONENTS + "ai.Row"}},
        "ai.Row": {"type": "integer"},
    }
    responses = {"200": {"$ref": COMPONENTS + "ai.Page"}}
    assert found["paths"]["/a"] == {"get": {"responses": responses}}
