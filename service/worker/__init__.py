"""The worker process: warm, job after job, with a lifeline to the queue."""

from kantor.service.worker.process import run_worker

__all__ = ["run_worker"]
