"""A run becomes a Job, exactly once, whichever process dies on the way.

The Job's name comes from the run's id, so that a second attempt to create it finds the first. What is requested is written into the run's
tags before. Where the API server does not answer, the run waits in STARTING and the reconciler tries again. Should Kubernetes start a
second pod for a Job, the first to claim the report does the work, and the other ends at once.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from padocc_dagster.batch import tags as batch
from padocc_dagster.batch.history import attempts
from padocc_dagster.batch.planning import LaunchRefusedError, Plan, plan
from padocc_dagster.kubernetes.client import Client, NoAnswerError, RefusedError
from padocc_dagster.kubernetes.runs import tags
from padocc_dagster.kubernetes.runs.events import add_event
from padocc_dagster.kubernetes.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dagster import DagsterInstance, DagsterRun


@dataclass(frozen=True)
class Creation:
    """How the Jobs of an instance are created."""

    instance: "DagsterInstance"
    settings: Settings
    client: Client
    requested_tags: "Callable[[DagsterRun], Mapping[str, str]]"
    """A run's tags, with the sizes of its `dagster-k8s/config` among them. Raises LaunchRefusedError."""
    job_of: "Callable[[DagsterRun], object]"
    """The Job of a run in whose tags the allocation is. Raises LaunchRefusedError."""

    def create(self, run_id: str) -> bool:
        """Make sure that the run has a Job, and return whether it has one now that was not recorded before.

        Without an answer, the run says so and stays as it is for a later call. A run that cannot become a Job is reported as failed.
        """
        run = self.instance.get_run_by_id(run_id)
        own = tags.own(run_id, run.tags) if run else {}
        if run is None or run.is_finished or own.get(tags.STATE) in (tags.CREATED, tags.ENDED):
            return False
        try:
            planned = plan(self.instance, run.with_tags(self.requested_tags(run)), self.settings)
            batch.write(self.instance, run_id, self._marks(run, planned))
            is_new = self.client.create_job(self.job_of(self.instance.get_run_by_id(run_id) or run))
        except LaunchRefusedError as error:
            self._refuse(run, str(error))
            return False
        except RefusedError as error:
            self._refuse(run, f"Kubernetes does not take the Job: {error}")
            return False
        except NoAnswerError as error:
            if not own:
                sentence = f"The API server has not taken the Job yet: {error}. This is tried again until it answers."
                add_event(self.instance, run, sentence, self.client.namespace)
            return False
        batch.write(self.instance, run_id, {tags.STATE: tags.CREATED})
        how = "created" if is_new else "was there already and is taken over"
        sentence = "\n".join([f"The Job dagster-run-{run_id} {how}: {planned.allocation}", *planned.notes])
        add_event(self.instance, run, sentence, self.client.namespace)
        return True

    def _marks(self, run: "DagsterRun", planned: Plan) -> dict[str, str]:
        """The tags of a run whose Job is about to be created: all of ours, so that nothing copied from a parent is left."""
        copied = {} if tags.own(run.run_id, run.tags) else run.tags
        again = {}
        if copied.get(batch.STOPPED) == "yes":  # a person runs it again: Dagster counts all attempts, theirs too
            most = (attempts(self.instance, run) or 1) - 1 + self.instance.run_retries_max_retries
            again = {batch.STOPPED: batch.NOTHING, batch.MAX_RETRIES: str(most)}
        return {
            tags.JOB_OF: run.run_id,
            tags.STATE: tags.CREATING,
            tags.CREATED_AT: f"{time.time():.3f}",
            batch.REQUESTED: str(planned.allocation),
            **{name: batch.NOTHING for name in (tags.POD, tags.PENDING, batch.CAUSE, batch.USED, batch.NODES) if name in copied},
            **again,
        }

    def _refuse(self, run: "DagsterRun", why: str) -> None:
        """The run cannot become a Job: it fails, and Dagster does not retry it."""
        marks = {tags.JOB_OF: run.run_id, batch.MAX_RETRIES: "0", batch.STOPPED: "yes"}
        batch.write(self.instance, run.run_id, marks)
        self.instance.report_run_failed(run, f"{why}\nThe run was not started. Correct this, and run it again.")
        batch.write(self.instance, run.run_id, {tags.STATE: tags.ENDED})
