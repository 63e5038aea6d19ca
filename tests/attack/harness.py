"""Play attacks one after the other beside a neighbour, and count what got through."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.tables import tell
from tests.attack import bodies, lines, shares, tenants
from tests.attack.neighbour import LIMIT_MS, Asked, Neighbour, neighbour, quantile_ms
from tests.attack.stage import Scale, Stage, Tally, staged

Attack = Callable[[Stage], Tally]

QUICK: tuple[Attack, ...] = (
    lines.idle_connections,
    lines.odd_requests,
    bodies.heavy_jobs,
    bodies.heavy_json,
    shares.priorities,
    shares.uploads,
    shares.lists,
    tenants.wrong_keys,
    tenants.others_things,
    tenants.collisions,
    tenants.equal_data,
    tenants.inward_webhooks,
    tenants.forged_cursors,
)
"""Those that take seconds; they run with the tests."""

ATTACKS: tuple[Attack, ...] = (
    *QUICK,
    lines.endless_header,
    lines.many_headers,
    lines.slow_heads,
    lines.slow_bodies,
    lines.no_readers,
    bodies.bombs,
    bodies.large_batches,
    bodies.large_files,
    shares.queue,
    shares.streams,
    shares.files,
    shares.labels,
)


@dataclass(frozen=True)
class Played:
    """What came of one attack, and what the neighbour lived through meanwhile."""

    name: str
    what: str
    tally: Tally
    asked: list[Asked]
    took_s: float

    @property
    def unanswered(self) -> int:
        """Requests of the neighbour's that were not answered, or refused."""
        return sum(a.status not in (200, 202) for a in self.asked)

    def cells(self) -> list[str]:
        """Return the row of the table."""
        quantiles = [
            f"{quantile_ms(self.asked, kind, share):.0f}"
            for kind in ("healthz", "submit")
            for share in (0.5, 0.99)
        ]
        return [
            self.what,
            str(self.tally.tried),
            str(len(self.tally.breaches)),
            *quantiles,
            str(self.unanswered),
            f"{self.took_s:.0f}",
        ]


HEADER = [
    "what is tried", "times", "breaches", "healthz p50 ms", "p99", "submit p50 ms",
    "p99", "unanswered", "s",
]  # fmt: skip


@dataclass
class Report:
    """What came of all attacks."""

    played: list[Played] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def breaches(self) -> list[str]:
        """Return everything that got through, by attack."""
        found = [f"{p.name}: {b}" for p in self.played for b in p.tally.breaches]
        kept_out = [
            f"{p.name}: {p.unanswered} of the neighbour's requests were not answered"
            for p in self.played
            if p.unanswered
        ]
        return [*found, *kept_out, *self.faults]

    @property
    def slow(self) -> list[str]:
        """Return the attacks under which the neighbour waited too long."""
        return [
            p.name
            for p in self.played
            if max(quantile_ms(p.asked, k, 0.99) for k in ("healthz", "submit"))
            > LIMIT_MS
        ]


def run(
    folder: Path, scale: Scale, *, seed: int = 1, attacks: Sequence[Attack] = ATTACKS
) -> Report:
    """Play the attacks against a service started for them."""
    report = Report()
    with staged(folder, scale, seed) as stage, neighbour(stage) as ada:
        before = sorted(stage.api_pids())
        time.sleep(scale.quiet_s)  # the first answers, and a measure of quiet
        report.played.append(_quiet(ada, scale.quiet_s))
        chosen = list(attacks)
        random.Random(seed).shuffle(chosen)
        for attack in chosen:
            tell(attack.__name__, "...")
            report.played.append(_play(attack, stage, ada))
        if sorted(stage.api_pids()) != before:
            report.faults.append("an API process has ended")
    said = (folder / "serve.log").read_text(errors="replace")
    for sign in ("Traceback", '"internal_error"', "request failed"):
        if sign in said:
            report.faults.append(f"the log says {sign}")
    return report


def _play(attack: Attack, stage: Stage, ada: Neighbour) -> Played:
    began = time.monotonic()
    try:
        tally = attack(stage)
    except httpx.HTTPError as error:  # nobody is to be left without an answer
        tally = Tally(1, [f"no answer: {error!r}"])
    took_s = time.monotonic() - began
    what = (attack.__doc__ or "").partition("\n")[0].rstrip(".")
    time.sleep(0.2)  # her last request is answered
    return Played(attack.__name__, what, tally, ada.asked(began), took_s)


def _quiet(ada: Neighbour, quiet_s: float) -> Played:
    asked = ada.asked(time.monotonic() - 0.5 * quiet_s)
    return Played("quiet", "nothing", Tally(), asked, quiet_s)
