"""The settings as the service describes them."""

import httpx


def test_a_setting_says_how_it_is_entered(api: httpx.Client) -> None:
    document = api.get("/v1/settings").json()
    found = {item["name"]: item for item in document["settings"]}
    assert found["effort"]["choices"] == ["quick", "standard", "thorough"]
    assert found["confidence"]["bounds"] == {"ge": 0.5, "lt": 1.0}
    assert (found["steps"]["type"], found["steps"]["nullable"]) == ("integer", True)
    assert found["sample_bounds"]["default"] is True
