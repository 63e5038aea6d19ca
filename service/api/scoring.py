"""The body of a request for scores: samples, columns by name, or a dataset."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kantor.estimator.samples.pair import check_samples
from kantor.service.api.bodies import validated
from kantor.service.api.columns import table_of_columns
from kantor.service.api.errors import CriticUnreadable
from kantor.service.api.intake import refuse_booleans
from kantor.service.api.owned import OwnedDatasets
from kantor.service.api.schemas import DatasetReference, InlineSamples


def samples_to_score(document: Any, datasets: OwnedDatasets) -> Any:
    """Return samples (n, d), or a table, of a parsed body.

    Raises:
        InvalidRequest: It is none of the three, or holds booleans for numbers.
        InvalidSamples: The samples are unusable.
        DatasetNotFound: There is no such dataset.
    """
    if isinstance(document, dict) and "columns" in document:
        return table_of_columns(document)
    if isinstance(document, dict) and "dataset" in document:
        wanted = validated(DatasetReference, document)
        return datasets.content(wanted.dataset, "#/dataset")
    rows = validated(InlineSamples, document).samples
    refuse_booleans("samples", rows)
    return check_samples("samples", rows, fewest=1)


def scored(critic: bytes, samples: Any) -> NDArray[np.float64]:
    """Return the critic's value of each sample.

    Raises:
        CriticUnreadable: It was stored by an earlier version.
        InvalidSamples: The samples are not what the critic takes.
    """
    from kantor.estimator.witness.document import UnreadableCritic, score

    try:
        return score(critic, samples)
    except UnreadableCritic as error:
        raise CriticUnreadable from error
