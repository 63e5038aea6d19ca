"""A result as HTML: a whole report in one file, or a few lines for a notebook.

A report loads nothing from anywhere: its styles and pictures are in it, and so is the
result itself, as JSON.
"""

import base64
import json
from functools import cache
from typing import Any

from kantor.estimator.display.charts import (
    answer_picture,
    curve_picture,
    histogram_picture,
)
from kantor.estimator.display.words import numbers_of, verdict

Document = dict[str, Any]

_FEATURES = 20
_COLUMNS = 64
_IN_A_NOTEBOOK = 6


def report(result: Document, *, heading: str = "") -> str:
    """Return a report as one HTML document.

    Args:
        result: The JSON document of an estimate.
        heading: What was compared, in a few words.
    """
    found: str = _template("report.html").render(
        title=heading or "Kantor",
        heading=heading,
        verdict=verdict(result),
        result=result,
        metric=result.get("metric"),
        pictures=_pictures(result),
        numbers=list(numbers_of(result)),
        columns=_columns(result),
        features=[_feature(i) for i in result["differences"]["attribution"]][
            :_FEATURES
        ],
        sides=[_extremes(result, side) for side in ("source", "target")],
        settings=_settings(result),
    )
    return found


def summary(result: Document) -> str:
    """Return the answer and its numbers as a piece of HTML, for a notebook."""
    found: str = _template("summary.html").render(
        verdict=verdict(result),
        numbers=list(numbers_of(result))[:_IN_A_NOTEBOOK],
        warnings=result["warnings"],
        picture=_data_url(answer_picture(result, form="svg")),
    )
    return found


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kantor.estimator", "display"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(name)


def _pictures(result: Document) -> dict[str, str]:
    histogram = result["differences"]["histogram"]
    pictures = {
        "answer": answer_picture(result, form="svg"),
        "curve": curve_picture(result["curve"], result=result, form="svg"),
        "histogram": histogram_picture(histogram, form="svg"),
    }
    return {name: _data_url(picture) for name, picture in pictures.items()}


def _data_url(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _columns(result: Document) -> list[Document]:
    """Return the rows of the table of columns, those that differ most first."""
    shares = {i.get("column"): i["share"] for i in result["differences"]["attribution"]}
    ordered = sorted(result.get("by_column") or [], key=lambda item: -item["w1"])
    names = ("w1", "w1_in_units", "p_value", "p_adjusted")
    return [
        {
            "column": item["column"],
            "cells": [
                *(_number(item[name]) for name in names),
                f"{100 * shares.get(item['column'], 0.0):.0f} %",
            ],
        }
        for item in ordered[:_COLUMNS]
    ]


def _feature(item: Document) -> Document:
    slope = item["slope"]
    direction = "" if slope is None else "more of it" if slope > 0 else "less of it"
    return {
        "name": item.get("column") or f"feature {item['feature']}",
        "share": f"{100 * item['share']:.1f} %",
        "direction": direction,
    }


def _extremes(result: Document, side: str) -> Document:
    """Return the rows that lie furthest on one side of the critic."""
    rows = result["differences"][f"{side}_extremes"]
    names = list(rows[0].get("sample") or {}) if rows else []
    return {
        "name": side,
        "names": names,
        "rows": [
            {
                "row": item["row"],
                "value": _number(item["value"]),
                "cells": [_cell((item.get("sample") or {}).get(n)) for n in names],
            }
            for item in rows
        ],
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _settings(result: Document) -> str:
    """Write settings and versions; what nobody chose is left to effort and data."""
    chosen = {k: v for k, v in result["config"].items() if v not in (None, [])}
    return json.dumps({"config": chosen, "versions": result["versions"]}, indent=2)
