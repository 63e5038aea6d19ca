"""What an operator can set, each by an environment variable `KANTOR_<NAME>`.

What is secret can stand in a file instead, which `KANTOR_<NAME>_FILE` names.

An instance is built once, at the edge (a console command, a test), and handed down;
nothing here is read at import, and there is no global instance.
"""

import ipaddress
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kantor.service.api_keys import Owners, Scope, parse_keys, read_keys
from kantor.service.redis_urls import check_url, with_password
from kantor.service.secret_files import SecretFiles, holds_secret, variable_of

MEBIBYTE = 1024 * 1024
DAY_S = 86_400.0
LEAST_SECRET = 32
"""Characters of a root secret."""

MAX_PRIORITY = 9
MOST_CONNECTIONS = 10_000
"""Of one API process; each may need one to Redis."""


def default_data_dir() -> Path:
    """Return the folder used where no other is set."""
    return Path.home() / ".local" / "share" / "kantor"


class Settings(BaseSettings):
    """Settings of every process of the service; secrets are masked in `repr`."""

    model_config = SettingsConfigDict(
        env_prefix="KANTOR_",
        env_ignore_empty=True,  # an empty variable is as good as none
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of datasets, results and the embedded Valkey's files.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description=(
            "Redis (>= 6.2) or Valkey to use, as redis://, rediss:// or unix://. "
            "Empty: `kantor serve` starts the embedded Valkey."
        ),
    )
    redis_password: SecretStr | None = Field(
        default=None,
        description=(
            "Password for `redis_url`, as it is, where it does not stand in it already."
        ),
    )
    bucket_url: str | None = Field(
        default=None,
        pattern=r"^s3://[^/]+(/.*)?$",
        description=(
            "S3-compatible bucket that has every dataset and result, as "
            "s3://name/prefix, for workers of several hosts; `data_dir` is then a "
            "cache of it. Empty: the folder alone."
        ),
    )
    bucket_endpoint: str | None = Field(
        default=None,
        description="URL of the S3 service; empty: that of AWS for the region.",
    )
    bucket_region: str | None = Field(
        default=None, description="Its region; empty: what AWS_REGION says."
    )
    bucket_access_key: SecretStr | None = Field(
        default=None,
        description=(
            "Access key id; empty: what AWS_ variables, or the role of the machine or "
            "pod, say."
        ),
    )
    bucket_secret_key: SecretStr | None = Field(
        default=None, description="Secret access key that belongs to it."
    )
    valkey_memory_bytes: int = Field(
        default=2048 * MEBIBYTE,
        ge=64 * MEBIBYTE,
        description=(
            "Memory of the embedded Valkey; at nine tenths of it no more jobs are "
            "accepted, and those there are end."
        ),
    )
    key_prefix: str = Field(
        default="kantor",
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="Start of every Redis key, used as the cluster hash tag.",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address the API listens on."
    )
    published_host: str | None = Field(
        default=None,
        description=(
            "Address at which a container engine or a proxy offers the API, where that "
            "is not `host`: if it is a loopback one, no API keys are needed."
        ),
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port the API listens on."
    )
    api_processes: int = Field(
        default=1, ge=1, description="Processes that serve the API on the one port."
    )
    workers: int | None = Field(
        default=None,
        ge=0,
        description=(
            "Worker processes of `kantor serve` and `kantor workers`; empty: one per "
            "GPU, else one per core and GiB of memory, at most 16."
        ),
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description=(
            "What workers train on: `cuda` refuses to start without a GPU, `cpu` uses "
            "none; auto: a GPU where there is one."
        ),
    )
    worker_threads: int | None = Field(
        default=None,
        ge=1,
        description="CPU threads of one worker; empty: the cores shared out evenly.",
    )
    lease_s: float = Field(
        default=15.0,
        gt=0,
        description="Silence of a worker after which its jobs are given to another.",
    )
    heartbeat_s: float = Field(
        default=5.0,
        gt=0,
        description=(
            "Time between two signs of life of a worker; less than half of `lease_s`."
        ),
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        description="Workers a job may lose before it fails with code worker_lost.",
    )
    max_claim: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Most small jobs of one kind that a worker takes at once and trains side "
            "by side; empty: 8 on a GPU, 1 on a CPU."
        ),
    )
    drain_s: float = Field(
        default=15.0,
        gt=0,
        description="Time a worker has to give its job back after SIGTERM.",
    )
    stall_s: float = Field(
        default=1800.0,
        gt=0,
        description=(
            "Time without a sign of life of a training after which its worker is "
            "ended; the job uses up an attempt."
        ),
    )
    stop_s: float = Field(
        default=60.0,
        gt=0,
        description=(
            "Time a training has to stop once its job is cancelled or past its "
            "deadline; then its worker is ended."
        ),
    )
    storing_s: float = Field(
        default=3600.0,
        ge=0,
        description="How long storing a result is tried again while the disk is full.",
    )
    result_ttl_s: float = Field(
        default=7 * DAY_S, gt=0, description="How long an ended job is kept."
    )
    dataset_ttl_s: float = Field(
        default=7 * DAY_S,
        gt=0,
        description="How long a dataset is kept after its last use.",
    )
    event_ttl_s: float = Field(
        default=3600.0,
        gt=0,
        description="How long the events of an ended job are kept.",
    )
    max_events: int = Field(
        default=1000, ge=10, description="Newest events kept of each job."
    )
    max_queued: int = Field(
        default=10_000,
        ge=1,
        description="Jobs queued or running at which new ones are turned away.",
    )
    max_body_bytes: int = Field(
        default=256 * MEBIBYTE, ge=1024, description="Largest request body."
    )
    max_samples: int = Field(
        default=10_000_000, ge=1, description="Most samples on one side of a job."
    )
    max_dim: int = Field(
        default=65_536, ge=1, description="Most features of one sample."
    )
    max_json_bytes: int = Field(
        default=8 * MEBIBYTE,
        ge=1024,
        description="Largest JSON body; more samples than that are uploaded as files.",
    )
    max_json_rows: int = Field(
        default=500_000,
        ge=1000,
        description=(
            "Most lists and objects in a JSON body, which each row is one of; more "
            "samples than that are uploaded as files."
        ),
    )
    max_dataset_bytes: int = Field(
        default=1024 * MEBIBYTE,
        ge=MEBIBYTE,
        description=(
            "Numbers that a file, or an upload, may hold, in bytes of float64 however "
            "small it was packed."
        ),
    )
    max_record_bytes: int = Field(
        default=32 * 1024,
        ge=4096,
        description=(
            "What a job may say beside its samples (settings, labels, webhook), in "
            "bytes of JSON: Redis keeps it."
        ),
    )
    max_job_memory_bytes: int = Field(
        default=8192 * MEBIBYTE,
        ge=256 * MEBIBYTE,
        description=(
            "Memory that the settings and shapes of a job may ask for, by an upper "
            "estimate; a job over it is refused."
        ),
    )
    max_job_operations: float = Field(
        default=1e17,
        gt=0,
        description=(
            "Multiplications and additions that a job may ask for, by an upper "
            "estimate; a job over it is refused."
        ),
    )
    default_deadline_s: float = Field(
        default=DAY_S,
        ge=0,
        description="Deadline of jobs that ask for none; 0: none.",
    )
    max_uploads_per_key: int = Field(
        default=200, ge=1, description="Open uploads that one API key may have."
    )
    max_streams_per_key: int = Field(
        default=200,
        ge=1,
        description="Event streams that one API key may have open on one API process.",
    )
    max_files_per_key: int = Field(
        default=32,
        ge=1,
        description=(
            "Bodies with files of one API key that one API process receives or decodes "
            "at once."
        ),
    )
    max_stored_bytes_per_key: int | None = Field(
        default=None,
        ge=MEBIBYTE,
        description=(
            "Datasets and open uploads of one API key, in bytes; empty: a quarter of "
            "the disk where there are several keys, else any."
        ),
    )
    disk_reserve_bytes: int = Field(
        default=256 * MEBIBYTE,
        ge=0,
        description=(
            "Room on the disk of `data_dir` at which no more samples are taken: it is "
            "for the queue's file, and for the results of jobs that end."
        ),
    )
    max_connections: int = Field(
        default=1000,
        ge=10,
        le=MOST_CONNECTIONS,
        description=(
            "Connections that one API process holds; where there are more, those that "
            "wait for nothing are closed, and newcomers are told 503."
        ),
    )
    max_connections_per_address: int = Field(
        default=500,
        ge=5,
        description=(
            "Of these, connections of one address (IPv6: of one /64 network). Behind a "
            "proxy all come from its address: set it to `max_connections`."
        ),
    )
    head_timeout_s: float = Field(
        default=10.0, gt=0, description="Time the head of a request may take to come."
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description=(
            "Time a body may pause; beside that it must bring 500 bytes a second."
        ),
    )
    idle_timeout_s: int = Field(
        default=30,
        ge=1,
        description="Time a connection is kept open between two requests.",
    )
    decode_memory_bytes: int = Field(
        default=4096 * MEBIBYTE,
        ge=512 * MEBIBYTE,
        description="Address space of the process that decodes an uploaded file.",
    )
    decode_timeout_s: float = Field(
        default=60.0, gt=0, description="Time that decoding an uploaded file may take."
    )
    decoders: int = Field(
        default=4,
        ge=2,
        description=(
            "Large files that all API processes together decode at once; each of them "
            "at least two. Small ones have lanes of their own."
        ),
    )
    decoders_per_key: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Of the lanes of one API process, those that one API key may hold; empty: "
            "half of them where there are several keys, else all."
        ),
    )
    api_keys: Annotated[Owners, BeforeValidator(parse_keys)] = Field(
        default_factory=dict,
        description=(
            "API keys as JSON: owner to the SHA-256 digest (hex) of the key, or to a "
            "list of them; scopes and names in docs/operations.md. Empty: nobody is "
            "asked, and only loopback addresses are served."
        ),
    )
    api_keys_file: Path | None = Field(
        default=None,
        description=(
            "File that has `api_keys`; the API reads it again whenever it changes."
        ),
    )
    api_keys_required: bool = Field(
        default=False,
        description="Whether to refuse to start without API keys, wherever it listens.",
    )
    allow_open: bool = Field(
        default=False,
        description="Whether to serve other than loopback addresses without API keys.",
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description=(
            "Names, beside localhost, that a request's Host may have; without API keys "
            "other names are refused, since any web page could give itself one. With "
            "keys they are compared only where this is set."
        ),
    )
    allowed_origins: list[str] = Field(
        default_factory=list,
        description=(
            "Sites, as https://a.example, whose pages may ask beside this service's "
            "own."
        ),
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description=(
            "Addresses or networks of proxies whose X-Forwarded-For is believed, for "
            "the callers' addresses in the audit log."
        ),
    )
    rate_per_minute: float | None = Field(
        default=None, gt=0, description="Requests a minute of one API key; empty: any."
    )
    rate_burst: int = Field(
        default=60, ge=1, description="Requests of one key that may come at once."
    )
    max_queued_per_key: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Unfinished jobs that one API key may have; empty: a quarter of "
            "`max_queued` where there are several keys, else any number."
        ),
    )
    max_workers_per_key: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Workers that the jobs of one API key may keep busy at once, so that "
            "others find one free; empty: all."
        ),
    )
    max_kept_per_key: int = Field(
        default=50_000,
        ge=1,
        description="Ended jobs kept of one API key; the oldest are forgotten first.",
    )
    max_priority: int | None = Field(
        default=None,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description=(
            "Highest priority a job may ask for; empty: 9, or 0 where there are "
            "several API keys, since a higher one goes before everybody's jobs."
        ),
    )
    max_priority_by_key: dict[str, int] = Field(
        default_factory=dict,
        description=(
            "The same for single owners, as JSON: owner to highest priority. Others "
            "have `max_priority`."
        ),
    )
    webhook_root_secret: SecretStr | None = Field(
        default=None,
        description=(
            "Random text of at least 32 characters, from which each caller's signing "
            "secret is derived; several, separated by spaces, all sign while you "
            "replace one. Empty: there are no webhooks."
        ),
    )
    webhook_ports: list[int] = Field(
        default=[443], min_length=1, description="Ports that webhooks may have."
    )
    webhook_ca_file: Path | None = Field(
        default=None,
        description="CA certificates (PEM) that webhooks may have beside public ones.",
    )
    webhook_allow_private: bool = Field(
        default=False,
        description=(
            "Dangerous: lets callers make this service send to private and loopback "
            "addresses of your network. For intranets whose callers you trust."
        ),
    )
    heard_file: Path | None = Field(
        default=None,
        description=(
            "File that is touched whenever the queue has heard this host's workers; "
            "container health checks look at its age."
        ),
    )
    audit_file: Path | None = Field(
        default=None,
        description=(
            "File to which the API writes who has changed what, a JSON object a line; "
            "empty: these lines are among its others, with `logger` kantor.audit."
        ),
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+",
        description=(
            "OpenTelemetry collector that gets traces, as http://host:4318 (OTLP over "
            "HTTP); needs the extra `otel`. Empty: no traces."
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log message that is written."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read options first, then variables, then the files of secrets."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _join_password(cls, given: Any) -> Any:
        url, password = (
            _plain(given.get(name)) for name in ("redis_url", "redis_password")
        )
        if not isinstance(url, str) or not isinstance(password, str) or not password:
            return given
        return given | {"redis_url": with_password(check_url(url), password)}

    @model_validator(mode="before")
    @classmethod
    def _read_keys(cls, given: Any) -> Any:
        path = given.get("api_keys_file")
        if not path:
            return given
        if found := read_keys(Path(path)):
            return given | {"api_keys": found}
        # An empty file is as good as none where the keys stand elsewhere.
        return given | ({"api_keys_file": None} if given.get("api_keys") else {})

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            check_url(given.get_secret_value())
        return given

    @field_validator("webhook_root_secret")
    @classmethod
    def _check_secret(cls, given: SecretStr | None) -> SecretStr | None:
        secrets = given.get_secret_value().split() if given else []
        if any(len(secret) < LEAST_SECRET for secret in secrets):
            raise ValueError(f"expected at least {LEAST_SECRET} characters each")
        return given if secrets else None

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, given: list[str]) -> list[str]:
        for item in given:
            try:
                ipaddress.ip_network(item)
            except ValueError:
                raise ValueError(
                    f"expected addresses or networks, received {item!r}"
                ) from None
        return given

    @field_validator("max_priority_by_key")
    @classmethod
    def _check_priorities(cls, given: dict[str, int]) -> dict[str, int]:
        for owner, priority in given.items():
            if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
                raise ValueError(
                    f"expected priorities of -{MAX_PRIORITY} to {MAX_PRIORITY}, "
                    f"received {priority} for {owner[:80]!r}"
                )
        return given

    @model_validator(mode="after")
    def _check_required(self) -> "Settings":
        if self.api_keys_required and not self.api_keys:
            raise ValueError("expected api_keys, since they are required, got none")
        return self

    @model_validator(mode="after")
    def _check_heartbeat(self) -> "Settings":
        if self.heartbeat_s >= self.lease_s / 2:  # reaping would see silence for ever
            raise ValueError(
                f"expected heartbeat_s below half of lease_s {self.lease_s}, "
                f"received {self.heartbeat_s}"
            )
        return self

    @property
    def has_tenants(self) -> bool:
        """Tell whether several owners who may submit share the service."""
        submitting = [
            owner
            for owner, keys in self.api_keys.items()
            if any(Scope.SUBMIT in key.scopes for key in keys)
        ]
        return len(submitting) > 1

    @property
    def highest_priority(self) -> int:
        """Return the highest priority that callers may ask for."""
        if self.max_priority is not None:
            return self.max_priority
        return 0 if self.has_tenants else MAX_PRIORITY

    def highest_priority_of(self, owner: str) -> int:
        """Return the highest priority that an owner may ask for."""
        return self.max_priority_by_key.get(owner, self.highest_priority)

    def share_of(self, lanes: int) -> int:
        """Return how many of some lanes one owner may hold at once."""
        return max(1, lanes // 2) if self.has_tenants else lanes

    @property
    def own_decoders(self) -> int:
        """Return how many large files one API process decodes at once."""
        return max(2, self.decoders // self.api_processes)

    @property
    def queued_quota(self) -> int | None:
        """Return how many unfinished jobs one owner may have; None: any number."""
        if self.max_queued_per_key is None and self.has_tenants:
            return max(1, self.max_queued // 4)
        return self.max_queued_per_key


WITHOUT_KEYS = dict.fromkeys(
    ("KANTOR_API_KEYS", "KANTOR_API_KEYS_FILE", "KANTOR_API_KEYS_REQUIRED"), ""
)
"""Variables of processes that ask nobody for a key, and need to know none."""


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give another process these settings.

    Every setting survives the way: secrets are written out, at any depth, and one that
    is set to None is written as empty, which hides a variable of that process's own.
    So is the file of a secret, which has been read; the file of API keys is handed on
    in their place, since each process reads it again. A process that is to have keys
    does not start without them, whatever has become of the file.
    """
    chosen = settings.model_fields_set
    types = {name: Settings.model_fields[name].annotation for name in chosen}
    hidden = [name for name, annotation in types.items() if holds_secret(annotation)]
    variables = {variable_of(name): _text(getattr(settings, name)) for name in chosen}
    variables |= {f"{variable_of(name)}_FILE": "" for name in hidden}
    if settings.api_keys_file is not None:
        keys = variable_of("api_keys")
        variables |= {keys: "", f"{keys}_FILE": str(settings.api_keys_file)}
        variables |= {f"{keys}_REQUIRED": "true"} if settings.api_keys else {}
    return variables


def _text(value: object) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain)


def _plain(value: object) -> object:
    """Return a value as JSON has it, with its secrets in the clear."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value)
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value
