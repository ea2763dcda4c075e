"""The run tags that the launcher writes, beside those of `batch.tags`."""

from padocc_dagster.batch.tags import JOB_OF, own

__all__ = ["CREATED", "CREATED_AT", "CREATING", "ENDED", "JOB_OF", "PENDING", "POD", "STATE", "own"]

STATE = "kubernetes/state"
CREATING, CREATED, ENDED = "creating", "created", "ended"
CREATED_AT = "kubernetes/created_at"
"""Seconds since 1970, by the clock of the host that created the Job."""
POD = "kubernetes/pod"
"""The pod's name, once it is known."""
PENDING = "kubernetes/pending"
"""Why the pod does not start."""
