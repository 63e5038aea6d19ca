"""Prometheus metrics, read from Redis at each scrape.

Nothing of them is kept in this process alone, so that the numbers are right however
many processes serve the API.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kantor.service.api.latencies import LIMITS_S, Kind, Latency
from kantor.service.queue import JobStatus, QueueStats

_OUTCOMES = [status.value for status in JobStatus if status.is_terminal]
_BUCKET = "run_le_"


class QueueCollector(Collector):
    """Presents one reading of the queue."""

    def __init__(self, stats: QueueStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        stats = self._stats
        yield _gauge("jobs_queued", "Jobs that wait for a worker.", stats.queued)
        yield _gauge("jobs_running", "Jobs that a worker holds.", stats.running)
        yield _gauge(
            "workers", "Workers heard within the lease.", len(stats.live_workers)
        )
        yield _gauge(
            "workers_draining",
            "Of these, workers that claim no more jobs.",
            sum(worker.draining for worker in stats.live_workers),
        )
        yield _gauge(
            "gpus_lost",
            "Workers that lately were to have a GPU and found none.",
            len(stats.lost_gpus),
        )
        yield from self._devices()
        yield _gauge(
            "oldest_queued_seconds",
            "How long the job that came first has waited.",
            stats.oldest_queued_s,
        )
        yield _gauge(
            "webhooks_pending",
            "Notifications that webhooks have not taken yet.",
            stats.webhooks_pending,
        )
        yield self._outcomes()
        yield self._events()
        yield self._durations()

    def _devices(self) -> Iterator[Metric]:
        labels = ["worker", "device"]
        size = GaugeMetricFamily(
            "kantor_worker_memory_bytes", "Memory of its device.", labels=labels
        )
        used = GaugeMetricFamily(
            "kantor_worker_memory_used_bytes",
            "Memory in use: of a GPU by anybody, else by the process.",
            labels=labels,
        )
        for worker in self._stats.live_workers:
            size.add_metric([worker.name, worker.device], worker.memory_bytes)
            used.add_metric([worker.name, worker.device], worker.used_bytes)
        yield size
        yield used

    def _outcomes(self) -> Metric:
        family = CounterMetricFamily(
            "kantor_jobs_ended", "Jobs by how they ended.", labels=["status"]
        )
        for status in _OUTCOMES:
            family.add_metric([status], self._stats.totals.get(status, 0))
        return family

    def _events(self) -> Metric:
        """Everything else that the queue counts, by its own name."""
        family = CounterMetricFamily(
            "kantor_queue_events", "What happened in the queue.", labels=["event"]
        )
        for name, count in sorted(self._stats.totals.items()):
            if name not in _OUTCOMES and not name.startswith("run_"):
                family.add_metric([name], count)
        return family

    def _durations(self) -> Metric:
        totals = self._stats.totals
        limits = sorted(
            (float(name.removeprefix(_BUCKET)), count)
            for name, count in totals.items()
            if name.startswith(_BUCKET)
        )
        # Totals from before `run_count` was kept have buckets alone.
        runs = max([totals.get("run_count", 0), *(count for _, count in limits)])
        family = HistogramMetricFamily(
            "kantor_job_run_seconds",
            "Time from claim to end of the jobs that a worker has ended.",
        )
        buckets = [(f"{limit:g}", float(count)) for limit, count in limits]
        family.add_metric(
            [],
            [*buckets, ("+Inf", float(runs))],
            sum_value=totals.get("run_ms", 0) / 1000,
        )
        return family


class RequestCollector(Collector):
    """Presents how long requests take."""

    def __init__(self, latencies: Mapping[Kind, Latency]) -> None:
        self._latencies = latencies

    def collect(self) -> Iterator[Metric]:
        """Yield the one metric."""
        family = HistogramMetricFamily(
            "kantor_http_request_seconds",
            "Time from a request to the start of its answer.",
            labels=["method", "route", "status"],
        )
        for kind, latency in sorted(self._latencies.items()):
            counts = latency.counts
            limits = sorted({*LIMITS_S, *counts, inf})
            heights = accumulate(counts.get(limit, 0) for limit in limits)
            buckets = [
                ("+Inf" if limit == inf else f"{limit:g}", float(height))
                for limit, height in zip(limits, heights, strict=True)
            ]
            family.add_metric([*kind], buckets, sum_value=latency.total_s)
        yield family


def render_metrics(
    stats: QueueStats, latencies: Mapping[Kind, Latency] | None = None
) -> bytes:
    """Write one reading in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(QueueCollector(stats))
    registry.register(RequestCollector(latencies or {}))
    return generate_latest(registry)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"kantor_{name}", meaning, value=value)
