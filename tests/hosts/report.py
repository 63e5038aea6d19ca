"""What came of the jobs of two hosts, one of which was hit."""

from collections import Counter
from dataclasses import dataclass, field

from kantor.service.queue import JobEvent

TERMINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class Report:
    """A count of jobs, by what came of them.

    Attributes:
        lost: Jobs that have not ended, or have not succeeded.
        doubled: Jobs with several ends, or several commits that a worker was told are
            believed.
        wrong: Jobs whose result is another job's, or differs between the readers.
        commits: Believed commits, by host.
        refused: Commits of the first host that the queue did not believe.
        retaken: Jobs that were taken from the host, its lease having run out.
        taken_up_s: From the fault until the last job of it ran on the other host.
        struck_at: When the fault began, as the time of day.
        returned_s: From the end of the fault until the first host ended a job again.
    """

    kind: str
    jobs: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    retaken: int = 0
    commits: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    taken_up_s: float | None = None
    returned_s: float | None = None
    struck_at: float = 0.0
    took_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Tell whether every job ended once, the late commit of a host included."""
        hit = self.retaken > 0 and self.commits["second"] > 0
        late = self.kind == "killed" or (self.refused > 0 and self.returned_s)
        return bool(
            hit and late and not (self.lost or self.doubled or self.wrong) and self.jobs
        )

    def __str__(self) -> str:
        word = "ok" if self.is_clean else "MISSED"
        back = (
            "" if self.returned_s is None else f", back after {self.returned_s:.1f} s"
        )
        return (
            f"{self.kind:8} {word}: {self.jobs} jobs in {self.took_s:.0f} s, lost "
            f"{len(self.lost)}, doubled {len(self.doubled)}, wrong {len(self.wrong)}; "
            f"taken from the host {self.retaken}, after {self.taken_up_s} s; late "
            f"commits refused {self.refused}{back}; commits {dict(self.commits)}"
        )

    def judge(self, job_id: str, events: list[JobEvent], *, commits: int) -> None:
        """Count one job.

        Args:
            job_id: Of the job.
            events: All that the queue has noted of it.
            commits: How many workers were told that the queue took their result.
        """
        types = [event.type for event in events]
        if sum(kind in TERMINAL for kind in types) > 1 or commits > 1:
            self.doubled.append(job_id)
        if types[-1] != "succeeded":
            self.lost.append(job_id)
        if "requeued" in types:
            self.retaken += 1
            again = [event.at for event in events if event.type == "running"][-1]
            after_s = round(again - self.struck_at, 1)
            self.taken_up_s = max(self.taken_up_s or 0.0, after_s)
