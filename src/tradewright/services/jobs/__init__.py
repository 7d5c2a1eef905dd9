"""Long work beside the server: queued, reported, cancellable, on the record."""

from tradewright.services.jobs.history import JobHistory
from tradewright.services.jobs.job import Job, JobStatus
from tradewright.services.jobs.runner import TOPIC, JobRunner

__all__ = ["TOPIC", "Job", "JobHistory", "JobRunner", "JobStatus"]
