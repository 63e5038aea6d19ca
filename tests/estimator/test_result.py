"""What an `Estimate` is to a person at a prompt or in a notebook."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from kantor.estimator import Estimate, estimate_w1


@pytest.fixture(scope="module")
def found() -> Estimate:
    x, y = np.random.default_rng(0).normal(size=(2, 200, 2))
    return estimate_w1(x, y + 1.0, effort="quick", steps=25)


def test_a_repr_is_one_short_line(found: Estimate) -> None:
    text = repr(found)
    assert len(text) < 160
    assert "\n" not in text
    assert f"at least {found.lower_bound:.5g} (95 %)" in text


def test_an_estimate_survives_json(found: Estimate) -> None:
    document = json.loads(json.dumps(found.to_dict()))
    assert Estimate.from_dict(document) == found


def test_what_a_newer_version_says_more_is_left_aside(found: Estimate) -> None:
    assert Estimate.from_dict(found.to_dict() | {"news": 1}) == found


def test_what_is_no_estimate_is_refused() -> None:
    with pytest.raises(ValueError, match="lower_bound"):
        Estimate.from_dict({"estimate": 1.0})


def test_a_report_is_written_and_returned(found: Estimate, tmp_path: Path) -> None:
    text = found.report(tmp_path / "x.html", heading="a against b")
    assert len(found.curve) == 1
    assert "The training" not in text
    assert (tmp_path / "x.html").read_text("utf-8") == text
    assert found.verdict in text


def test_a_notebook_shows_the_verdict(found: Estimate) -> None:
    assert found.differs
    assert found.verdict in found._repr_html_()


def test_a_plot_has_answer_curve_and_histogram(found: Estimate) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure = replace(found, curve=2 * found.curve[:1]).plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 3
    assert titles[1].startswith("Dual objective")
    pyplot.close(figure)


def test_a_plot_has_no_curve_where_nothing_was_trained(found: Estimate) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure = replace(found, curve=found.curve[:1]).plot()
    assert len(figure.axes) == 2
    pyplot.close(figure)


def test_a_notebook_shows_a_plot_once(
    found: Estimate, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import pyplot

    shown: list[bytes] = []
    module = ModuleType("IPython.display")
    vars(module).update(Image=lambda picture, **_: picture, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    pyplot.switch_backend("agg")
    figure = found.plot()
    vars(figure)["_ipython_display_"]()
    assert shown == []  # pyplot still has it, and shows it when the cell has ended
    pyplot.close(figure)
    figure._ipython_display_()
    assert [picture[:4] for picture in shown] == [b"\x89PNG"]
