"""What callers send: strict pydantic models of the request bodies.

Unknown fields are errors, numbers are never taken from strings, and NaN or infinity is
not JSON. The schema of `config` is derived from `estimator.EstimateConfig`, which alone
says what can be set, in which range, and what it means.
"""

import json
from dataclasses import fields
from functools import lru_cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    create_model,
    model_validator,
)

from kantor.estimator.config import EstimateConfig
from kantor.estimator.samples.pair import MIN_SAMPLES
from kantor.service.decoding import Reading
from kantor.service.settings import MAX_PRIORITY

MAX_LABELS = 32
MAX_DEADLINE_S = 7 * 86_400

_REMEMBERED = 1024

STRICT = ConfigDict(
    extra="forbid",
    strict=True,
    frozen=True,
    allow_inf_nan=False,
    hide_input_in_errors=True,
)

DatasetId = Annotated[str, StringConstraints(pattern=r"^ds_[0-9a-f]{64}$")]
ReferenceName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
]
JobId = Annotated[str, StringConstraints(pattern=r"^job_[0-9a-f]{32}$")]
UploadId = Annotated[str, StringConstraints(pattern=r"^up_[0-9a-f]{32}$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
LabelValue = Annotated[str, StringConstraints(max_length=256)]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=MAX_LABELS)]
WebhookEvent = Literal["job.succeeded", "job.failed", "job.cancelled"]
Priority = Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]

_ROWS = {
    "type": "array",
    "minItems": MIN_SAMPLES,
    "items": {
        "anyOf": [
            {"type": "number"},
            {"type": "array", "items": {"type": "number"}, "minItems": 1},
        ]
    },
    "description": "One row a sample; plain numbers are samples on the line.",
}


class InlineSamples(BaseModel):
    """Samples written in the request itself."""

    model_config = STRICT

    # The rows are checked as one array, not number by number.
    samples: Annotated[list[Any], WithJsonSchema(_ROWS)]


_COLUMNS = {
    "type": "object",
    "additionalProperties": {
        "type": "array",
        "items": {"type": ["number", "string", "boolean", "null"]},
    },
    "description": "Values of each column by its name, one a row.",
}


class InlineColumns(BaseModel):
    """A table written in the request itself."""

    model_config = STRICT

    columns: Annotated[dict[str, list[Any]], WithJsonSchema(_COLUMNS)] = Field(
        min_length=1
    )


class DatasetReference(BaseModel):
    """Samples that were uploaded before."""

    model_config = STRICT

    dataset: DatasetId = Field(description="Id that POST /v1/datasets answered.")


class NamedSamples(BaseModel):
    """Samples by the name of a reference: its newest version."""

    model_config = STRICT

    reference: ReferenceName = Field(
        description="A name that PUT /v1/references has let stand for a dataset."
    )


_WEIGHTS = {
    "type": "array",
    "minItems": MIN_SAMPLES,
    "items": {"type": "number", "minimum": 0},
    "description": "One number a sample.",
}


def _weights_branch(value: Any) -> str | None:
    """Name what weights are given as."""
    if value is None:
        return "<none>"
    if isinstance(value, dict | DatasetReference):
        return "<reference>"
    return "<inline>" if isinstance(value, list) else None


Weights = Annotated[
    Annotated[list[Any], WithJsonSchema(_WEIGHTS), Tag("<inline>")]
    | Annotated[DatasetReference, Tag("<reference>")]
    | Annotated[None, Tag("<none>")],
    Discriminator(
        _weights_branch,
        custom_error_type="weights",
        custom_error_message='expected [1.0, ...] or {"dataset": "ds_..."}',
    ),
    Field(description="Weights of the samples, up to a factor; null: all alike."),
]


class InlineSide(InlineSamples):
    """Samples of one side, written in the request itself."""

    weights: Weights = None


class StoredSide(DatasetReference):
    """Samples of one side that were uploaded before."""

    weights: Weights = None


class NamedSide(NamedSamples):
    """Samples of one side by the name of a reference."""

    weights: Weights = None


_BRANCHES: dict[str, type[BaseModel]] = {
    "samples": InlineSide,
    "dataset": StoredSide,
    "reference": NamedSide,
}


def _branch(value: Any) -> str | None:
    """Name the model a value is meant for, by the field it has."""
    for field, model in _BRANCHES.items():
        if isinstance(value, model) or (isinstance(value, dict) and field in value):
            return f"<{field}>"
    return None


Side = InlineSide | StoredSide | NamedSide

StoredOrNamed = Annotated[
    Annotated[StoredSide, Tag("<dataset>")] | Annotated[NamedSide, Tag("<reference>")],
    Discriminator(
        _branch,
        custom_error_type="sample_source",
        custom_error_message='expected a file, {"dataset": "ds_..."} or '
        '{"reference": "name"}',
    ),
]

SampleSource = Annotated[
    Annotated[InlineSide, Tag("<samples>")]
    | Annotated[StoredSide, Tag("<dataset>")]
    | Annotated[NamedSide, Tag("<reference>")],
    Discriminator(
        _branch,
        custom_error_type="sample_source",
        custom_error_message='expected {"samples": [[...]]}, {"dataset": "ds_..."} '
        'or {"reference": "name"}',
    ),
]


def _on_the_wire(hint: Any) -> Any:
    """Let lists of JSON, which has no tuples, stand where a tuple is declared."""
    if get_origin(hint) is tuple:
        return Annotated[hint, Field(strict=False)]
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(map(_on_the_wire, get_args(hint)))]  # noqa: UP007
    return hint


def _config_fields() -> dict[str, Any]:
    """Translate each declared setting into a pydantic field."""
    hints = get_type_hints(EstimateConfig)
    return {
        item.name: (
            _on_the_wire(hints[item.name]),
            Field(
                default=item.default,
                description=item.metadata["meaning"],
                **item.metadata["bounds"],
            ),
        )
        for item in fields(EstimateConfig)
    }


ConfigModel: type[BaseModel] = create_model(
    "EstimateConfig",
    __config__=STRICT,
    __doc__="Settings of the estimation; every one has a default.",
    **_config_fields(),
)


class WebhookRequest(BaseModel):
    """Who shall be told, by a signed POST, that the job has ended."""

    model_config = STRICT

    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)] = Field(
        description="A https URL of a public host."
    )
    events: list[WebhookEvent] = Field(
        default_factory=lambda: list(get_args(WebhookEvent)),
        min_length=1,
        max_length=len(get_args(WebhookEvent)),
        description="The ends that shall be told; by default every one.",
    )


class JobOptions(BaseModel):
    """What a job request says besides its samples."""

    model_config = STRICT

    config: ConfigModel = Field(  # type: ignore[valid-type]
        default_factory=ConfigModel, description="Settings of the estimation."
    )
    labels: Labels = Field(
        default_factory=dict, description="Names of your own, to find the job by."
    )
    priority: Priority = Field(default=0, description="Higher is claimed earlier.")
    deadline_s: float | None = Field(
        default=None,
        gt=0,
        le=MAX_DEADLINE_S,
        description="Give up when the job has not ended this long after submission.",
    )

    cache: bool = Field(
        default=True,
        description="Whether the answer to the same question may be an earlier one.",
    )
    webhook: WebhookRequest | None = Field(
        default=None, description="Who shall be told that the job has ended."
    )

    def estimate_config(self) -> EstimateConfig:
        """Return the settings as the estimator takes them.

        Raises:
            InvalidConfig: For a combination that the estimator refuses.
        """
        return _estimate_config(self.config.model_dump_json())  # type: ignore[attr-defined]

    def options(self) -> "JobOptions":
        """Return the options alone, without what a subclass adds."""
        names = JobOptions.model_fields
        return JobOptions(**{name: getattr(self, name) for name in names})


@lru_cache(_REMEMBERED)
def _estimate_config(config: str) -> EstimateConfig:
    """Translate settings; most jobs of one caller have the same."""
    return EstimateConfig.from_dict(json.loads(config))


class JobRequest(JobOptions):
    """Body of POST /v1/jobs: how far apart are the source and the target?"""

    source: SampleSource = Field(description="Samples of P.")
    target: SampleSource = Field(description="Samples of Q.")


class ReadingOptions(BaseModel):
    """How to read files, where that shall not be found out."""

    model_config = STRICT

    delimiter: str | None = Field(
        default=None, description="Between the cells of a csv file; `tab` is one, too."
    )
    quote: str | None = Field(default=None, description="Around cells.")
    decimal: str | None = Field(default=None, description="Point or comma.")
    encoding: str | None = Field(
        default=None, max_length=40, description="Such as utf-8, utf-16 or cp1252."
    )
    header: Literal["auto", "yes", "no"] = Field(
        default="auto", description="Whether the first line of a csv file holds names."
    )
    drop: list[str] = Field(
        default_factory=list,
        max_length=1000,
        description="Names of columns that are not read, whatever they hold.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse settings that contradict each other."""
        self.settings()
        return self

    def settings(self) -> Reading:
        """Return the settings as the readers take them."""
        return Reading(**self.model_dump() | {"drop": tuple(self.drop)})


class FormOptions(JobOptions):
    """What a form says beside its files."""

    reading: ReadingOptions = Field(
        default_factory=ReadingOptions, description="How to read both files."
    )


class FormSides(BaseModel):
    """Sides of a form that are named and not sent."""

    model_config = STRICT

    source: StoredOrNamed | None = None
    target: StoredOrNamed | None = None


OutputFormat = Literal["json", "csv", "png", "svg"]
