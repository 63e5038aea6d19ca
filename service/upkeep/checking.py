"""`kantor fsck`: read every stored file, and look over every job."""

from dataclasses import dataclass, field

from kantor.service.queue.inspection import all_jobs, mend_all
from kantor.service.settings import Settings
from kantor.service.store import BlobStore, DatasetStore, open_bucket
from kantor.service.upkeep.server import running_server


@dataclass
class Findings:
    """What a check has found.

    Attributes:
        files: How many were read.
        damaged: Ids and digests of those that were damaged, and have been moved away.
        jobs: How many there are; None where no server runs.
        unanswered: Ids of jobs that succeeded and whose result is missing.
        stranded: Ids of unfinished jobs with a side that is missing.
    """

    files: int = 0
    damaged: list[str] = field(default_factory=list)
    jobs: int | None = None
    unanswered: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)

    @property
    def are_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.damaged or self.unanswered or self.stranded)


def check_everything(settings: Settings) -> Findings:
    """Read all files of the store, then compare the jobs with them.

    A damaged file is moved to `damaged/` beside the others, so that uploading the same
    data again heals it. Sets of the queue are brought into line with the jobs.

    Raises:
        redis.exceptions.RedisError: The server that is set does not answer.
    """
    findings = Findings()
    bucket = open_bucket(settings)
    datasets = DatasetStore(settings.data_dir, bucket)
    blobs = BlobStore(settings.data_dir, bucket)
    for check in (datasets.check, blobs.check):
        for name, is_sound in check():
            findings.files += 1
            if not is_sound:
                findings.damaged.append(name)
    with running_server(settings) as client:
        if client is None:
            return findings
        findings.jobs = mend_all(client, settings)
        for job in all_jobs(client, settings):
            if job.result is not None and not blobs.has(job.result):
                findings.unanswered.append(job.id)
            sides = (job.source, job.target)
            names = [n for side in sides for n in (side.dataset, side.weights) if n]
            if not job.status.is_terminal and not all(map(datasets.has, names)):
                findings.stranded.append(job.id)
    return findings
