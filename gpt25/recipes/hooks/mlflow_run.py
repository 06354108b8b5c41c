"""A run's metrics in MLflow: where MLFLOW_TRACKING_URI says, else in a database in the run directory."""

import logging
import os
import time
from typing import Any

from gpt25.recipes.hooks.scalars import scalars_of
from gpt25.recipes.hooks.tracked_runs import PROJECT, TrackedRuns
from gpt25.records import RunDirectory
from gpt25.records.flat_settings import flat_settings

_LONGEST_VALUE = 500
_PARAMETERS_AT_ONCE = 100  # MLflow's own limit of a batch


class MlflowRun:
    """One run there; whoever resumes the run directory goes on with it, by the id in trackers.json.

    `mlflow ui --backend-store-uri sqlite:///RUN/mlflow.db` shows the database.
    """

    def __init__(self, run: RunDirectory) -> None:
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        address = os.environ.get("MLFLOW_TRACKING_URI")
        if not address:
            import alembic  # noqa: F401 (MLflow keeps a database by both)
            import sqlalchemy  # noqa: F401

            address = f"sqlite:///{run.mlflow_path.resolve()}"
        for name in ("mlflow", "alembic"):  # what they say of their tables is no news of the run
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client: Any = MlflowClient(address)
        known = TrackedRuns(run)
        self._identity = known.identity_of("mlflow")
        if self._identity is not None:
            self._client.set_terminated(self._identity, status="RUNNING")
            return
        self._identity = self._client.create_run(self._experiment(), run_name=run.path.resolve().name).info.run_id
        known.keep("mlflow", self._identity)
        settings = [Param(name, value[:_LONGEST_VALUE]) for name, value in flat_settings(run.recipe()).items()]
        for begin in range(0, len(settings), _PARAMETERS_AT_ONCE):
            self._client.log_batch(self._identity, params=settings[begin : begin + _PARAMETERS_AT_ONCE])

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        found = self._client.get_experiment_by_name(name)
        return str(self._client.create_experiment(name) if found is None else found.experiment_id)

    def write(self, row: dict[str, Any]) -> None:
        """Add a row of metrics.jsonl, at its update."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(name, float(value), now, row["update"]) for name, value in scalars_of(row).items()]
        self._client.log_batch(self._identity, metrics=metrics)

    def close(self) -> None:
        """Say that the run has ended."""
        self._client.set_terminated(self._identity)
