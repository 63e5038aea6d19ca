"""The body of a request for scores: samples, columns by name, or a dataset."""

from typing import Any

from kantor.estimator.samples.pair import check_samples
from kantor.service.api.bodies import validated
from kantor.service.api.columns import table_of_columns
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.schemas import DatasetReference, InlineSamples


def samples_to_score(document: Any, datasets: OwnedDatasets) -> Any:
    """Return samples (n, d), or a table, of a parsed body.

    Raises:
        InvalidRequest: It is none of the three.
        InvalidSamples: The samples are unusable.
        DatasetNotFound: There is no such dataset.
    """
    if isinstance(document, dict) and "columns" in document:
        return table_of_columns(document)
    if isinstance(document, dict) and "dataset" in document:
        wanted = validated(DatasetReference, document)
        return datasets.content(wanted.dataset, "#/dataset")
    rows = validated(InlineSamples, document).samples
    return check_samples("samples", rows, fewest=1)
