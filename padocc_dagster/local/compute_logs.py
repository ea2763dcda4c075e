"""What the steps of runs print, in files that Dagster's UI shows, written without the four helper processes a step of Dagster's own."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance

from padocc_dagster.dagster_private import (
    STREAM_SUFFIXES,
    CapturedLogContext,
    ConfigurableClassData,
    LocalComputeLogManager,
    redirect_to_file,
)


class FileComputeLogManager(LocalComputeLogManager):
    """Dagster's LocalComputeLogManager with two differences: what is captured is not copied to the process's own output as well, and the
    files lie in the folder that Dagster chooses where nothing is configured.

    In `dagster.yaml`, without any fields:

        compute_logs:
          module: padocc_dagster.local
          class: FileComputeLogManager
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir="", inst_data=inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "FileComputeLogManager":
        return cls(inst_data)

    def register_instance(self, instance: DagsterInstance) -> None:
        super().register_instance(instance)
        self._base_dir = instance.storage_directory()

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Send what this process and its children print to the step's files, for the block."""
        out, err = (Path(self.get_captured_local_path(log_key, suffix)) for suffix in STREAM_SUFFIXES)
        out.parent.mkdir(parents=True, exist_ok=True)
        with redirect_to_file(sys.stdout, str(out)), redirect_to_file(sys.stderr, str(err)):
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()
