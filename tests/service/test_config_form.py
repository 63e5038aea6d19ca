from dataclasses import fields
from typing import Literal

import pytest

from kantor.estimator.config import EstimateConfig
from kantor.service.config_form import MORE, _type_of, setting_views


def test_every_setting_is_there_with_a_place_of_its_own() -> None:
    views = setting_views()
    names = {item.name for item in fields(EstimateConfig)}
    assert {view.name for view in views} == names
    assert [view.name for view in views if view.group == MORE] == []


def test_the_common_ones_come_first() -> None:
    assert setting_views()[0].name == "effort"


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (tuple[str, ...], "list"),
        (tuple[str, ...] | None, "list"),
        (Literal["common"] | tuple[str, ...] | None, "list"),
        (list[str] | str | None, "list"),
        (dict[str, float], "json"),
        (float | None, "number"),
        (bool, "boolean"),
    ],
)
def test_types_to_come_have_a_field_as_well(hint: object, kind: str) -> None:
    assert _type_of(hint) == kind
