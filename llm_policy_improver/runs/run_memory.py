"""What an optimizer's process must not forget: trials, versions, the parameters in force.

Where it has a folder, a process that is killed and started again knows again all that it had let anybody see.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from llm_policy_improver.core.audit import Audit, Decision
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.loop.approval import last_good, offered, reverted, withdrawn
from llm_policy_improver.loop.improvement_result import Step
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.continuation import BegunRun, broken_off
from llm_policy_improver.runs.improvement_record import store_audits, store_step
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings


class RunMemory:
    """Of all runs in one folder.

    Args:
        folder: of the store, which is made where it is missing; empty: all is forgotten with the process.
        resume: whether the parameters published last are still meant to be in force.

    Attributes:
        history: all trials, oldest first.
        version: the highest that was given to any parameters, published or only shown.
        in_force: the parameters published last; None where there were none.

    Raises:
        StoreError: the folder cannot be used; also from all that keeps something, which is not kept then.
    """

    def __init__(self, folder: str = '', resume: bool = False) -> None:
        self._store = RunStore.join(Path(folder), {}) if folder else None
        self.history: list[ExecutionTrace] = []
        self.version = 0
        self.in_force: PolicyParameters | None = None
        if self._store is not None:
            self._recall(self._store, resume)

    def _recall(self, store: RunStore, resume: bool) -> None:
        self.history = store.trials()
        steps, audits = store.steps(), [stored.audit for stored in store.audits()]
        published = [step.parameters for step in steps[-1:]]
        published += [
            PolicyParameters(audit.attenuation, version=audit.version, proposed_by=audit.proposed_by)
            for audit in audits
            if audit.decision is Decision.REVERTED
        ]
        if resume:
            self.in_force = max(published, key=lambda parameters: parameters.version, default=None)
        given = [trace.parameters.version for trace in self.history]
        given += [step.parameters.version for step in steps] + [audit.version for audit in audits]
        self.version = max(given, default=0)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()

    def broken_off(self, settings: OptimizerSettings) -> BegunRun | None:
        """The last run, where it has not come to its end; see `runs.continuation.broken_off`."""
        return None if self._store is None else broken_off(self._store, settings)

    def ended(self, objective: Objective) -> bool:
        """Whether the last run was towards this objective and has come to its end."""
        begun = [] if self._store is None else self._store.settings()
        if self._store is None or not begun or not self._store.ended():
            return False
        made_with = begun[-1].content.get('optimizer')
        return isinstance(made_with, dict) and made_with.get('objective') == objective.words

    def learn(self, trace: ExecutionTrace) -> bool:
        """Take in a trial that was reported; False where it is known already."""
        if any(known.trial == trace.trial for known in self.history):
            return False
        self.history.append(trace)
        return True

    def begin(self, settings: OptimizerSettings, objective: Objective, trials: int) -> BegunRun:
        """A run begins; from now on it is gone on with by whoever comes after."""
        if self._store is not None:
            made_with = replace(settings, objective=objective.words, trials=trials)
            RunSettings(made_with, history=len(self.history)).store(self._store)
        return BegunRun(objective, trials, tuple(self.history))

    def take_step(self, objective: Objective, step: Step) -> None:
        """A step is about to be published."""
        if self._store is not None:
            store_step(self._store, objective, step)
        self.version = max(self.version, step.parameters.version)

    def offer(self, case: GateCase) -> None:
        """A proposal is about to be shown to a person, who decides by its version."""
        self.version = max(self.version, case.version)
        if self._store is not None:
            self._store.add_audit(offered(case, utc_now()))

    def end(
        self,
        state: str,
        message: str,
        next_version: int,
        unsettled: Sequence[Audit],
        waiting: GateCase | None,
    ) -> None:
        """The run is over.

        Args:
            state: finished, cancelled or failed.
            message: what it came to.
            next_version: above all that the run has given.
            unsettled: what was judged, and let through to no step.
            waiting: a proposal that still waited for a person.
        """
        self.version = max(self.version, next_version - 1)
        if self._store is not None:
            left = [] if waiting is None else [withdrawn(waiting, utc_now())]
            store_audits(self._store, [*unsettled, *left])
            self._store.add_end(state, message)

    def good_before(self, active: int) -> PolicyParameters:
        """The last good parameters, to go back to, under their own version.

        Args:
            active: the version that the controller uses, where nothing was published from here.
        """
        current = self.in_force or next(
            (trace.parameters for trace in self.history if trace.parameters.version == active),
            PolicyParameters(),
        )
        return last_good(self.history, current)

    def revert(self, active: int) -> PolicyParameters:
        """The same as parameters to publish, on record under a new version."""
        self.version += 1
        good = replace(self.good_before(active), version=self.version)
        if self._store is not None:
            self._store.add_audit(reverted(good, 'optimizer/revert', utc_now()))
        return good
