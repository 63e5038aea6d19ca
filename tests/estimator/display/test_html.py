"""Reports and notebook views of real estimates."""

import json
import re

from kantor.estimator import Estimate
from kantor.estimator.display.html import report, summary

LOADS = re.compile(r"""(?:src|href)=["'](?!data:)|url\(|<link|<script(?! type="app)""")


def test_a_report_loads_nothing_from_anywhere(of_tables: Estimate) -> None:
    assert not LOADS.search(report(of_tables.to_dict()))


def test_a_report_holds_the_whole_result(of_arrays: Estimate) -> None:
    text = report(of_arrays.to_dict(), heading="a against b")
    _, _, rest = text.partition('id="kantor-result">')
    assert json.loads(rest.partition("</script>")[0]) == of_arrays.to_dict()
    assert "a against b" in text


def test_a_report_of_tables_names_columns_and_escapes_them(of_tables: Estimate) -> None:
    text = report(of_tables.to_dict())
    shown = text.partition('<script type="application/json"')[0]
    assert "Each column by itself" in shown
    assert "<td>&lt;city&gt;</td>" in shown
    assert "Ulm &amp; Co" in shown
    assert "<city>" not in shown


def test_a_name_cannot_end_the_embedded_json(of_arrays: Estimate) -> None:
    document = of_arrays.to_dict() | {"warnings": ["</script><script>alert(1)"]}
    assert "<script>alert" not in report(document)


def test_a_report_tells_each_number_once_with_its_meaning(of_arrays: Estimate) -> None:
    text = report(of_arrays.to_dict())
    assert f"{of_arrays.lower_bound:.5g}<small>The promise" in text
    assert text.count("How often samples of equal distributions") == 1


def test_a_summary_is_short_and_says_the_verdict(of_arrays: Estimate) -> None:
    text = summary(of_arrays.to_dict())
    assert "The distributions differ" in text
    assert text.count("<img") == 1
    assert "<html" not in text
