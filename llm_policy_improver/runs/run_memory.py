"""What an optimizer's process must not forget: trials, versions, the policy in force.

Where it has a folder, a process that is killed and started again reads all of it back.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from llm_policy_improver.core.audit import Audit, Decision
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.approval import last_good, offered, reverted, withdrawn
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.checkpoint import Checkpoint, interrupted
from llm_policy_improver.runs.objective_folder import objective_folder
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings, stored_settings
from llm_policy_improver.runs.writer_lock import Part


class RunMemoryError(RuntimeError):
    """What is reported does not go with what is known; one sentence says why, and what to do."""


class RunMemory:
    """Of all runs in one folder.

    Args:
        space: that is searched; its neutral values are what there is to go back to at first.
        folder: of the store, which is made where it is missing; empty: all is forgotten with the process.
        resume: whether the policy published last is still meant to be in force.

    Attributes:
        run: its name, the same whenever it is resumed.
        history: all trials, oldest first.
        version: the highest that was given to any policy, published or only shown.
        in_force: version, policy and proposer published last; None where there was none.
        bounds_in_force: in which that was published, where an earlier process did; None where this one did.
        taken_over: from which process, that has ended without closing the folder, in words; empty where from none.

    Raises:
        StoreError: the folder cannot be used; also from all that keeps something, which is not kept then.
    """

    def __init__(self, space: ParameterSpace, folder: str = '', resume: bool = False) -> None:
        self._neutral = space.neutral
        self._store = RunStore.join(Path(folder), {}) if folder else None
        self.taken_over = '' if self._store is None else self._held(self._store)
        self.run = token_hex(8) if self._store is None else self._store.identity
        self.history: list[Trial] = []
        self.version = 0
        self.in_force: tuple[int, Proposal] | None = None
        self.bounds_in_force: ParameterSpace | None = None
        if self._store is not None:
            self._recall(self._store, resume)

    @staticmethod
    def _held(store: RunStore) -> str:
        try:
            return store.hold(Part.STEPS)
        except BaseException:
            store.close()
            raise

    def _recall(self, store: RunStore, resume: bool) -> None:
        self.history = store.trials()
        steps, audits = store.steps(), store.audits()
        published = [(step.step.version, Proposal.again(step.step), step.number) for step in steps[-1:]]
        published += [
            (stored.audit.version, stored.audit.proposal, stored.step)
            for stored in audits
            if stored.audit.decision is Decision.REVERTED and stored.audit.proposal is not None
        ]
        if resume and published:
            version, proposal, number = max(published, key=lambda each: each[0])
            self.in_force = version, proposal
            made_with = stored_settings(store, number)
            self.bounds_in_force = None if made_with is None else made_with.optimizer.space()
        given = [trial.version for trial in self.history]
        given += [step.step.version for step in steps] + [stored.audit.version for stored in audits]
        self.version = max(given, default=0)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()

    def interrupted(self, settings: OptimizerSettings) -> Checkpoint | None:
        """The last run, where it has not come to its end; see `runs.checkpoint.interrupted`."""
        return None if self._store is None else interrupted(self._store, settings)

    def ended(self, words: str) -> bool:
        """Whether the last run was towards this objective and has come to its end."""
        begun = [] if self._store is None else self._store.settings()
        if self._store is None or not begun or not self._store.ended():
            return False
        made_with = begun[-1].content.get('optimizer')
        return isinstance(made_with, dict) and made_with.get('objective') == words

    def learn(self, trial: Trial) -> bool:
        """Take in a trial that was reported; False where it is known already.

        Raises:
            RunMemoryError: another trial of this number is known.
        """
        for known in self.history:
            if known.number == trial.number:
                if known.version != trial.version:
                    raise RunMemoryError(
                        f'trial {trial.number} with version {trial.version} is not the trial {known.number} that is '
                        f'known here, with version {known.version}: the trace logger counts anew, as one does that '
                        'was started again without its output_folder; give it the same folder as the optimizer'
                    )
                return False
        self.history.append(trial)
        return True

    def begin(self, settings: OptimizerSettings, objective: Objective, trials: int) -> Checkpoint:
        """A run begins; from now on whoever is started again in its folder resumes it."""
        if self._store is not None:
            made_with = replace(settings, objective=objective.words, trials=trials)
            RunSettings(made_with, history=len(self.history), objective=objective).store(self._store)
            objective_folder(self._store, objective)
        return Checkpoint(objective, settings.method, trials, tuple(self.history))

    def take_step(self, objective: Objective, step: Step) -> None:
        """A step is about to be published."""
        if self._store is not None:
            self._store.add_step(objective.words, step)
        self.version = max(self.version, step.version)

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
        recommended: Proposal | None,
    ) -> None:
        """The run is over.

        Args:
            state: finished, cancelled or failed.
            message: what it came to.
            next_version: above all that the run has given.
            unsettled: what was judged, and let through to no step.
            waiting: a proposal that still waited for a person.
            recommended: what is to be kept, where a model of the trials says so.
        """
        self.version = max(self.version, next_version - 1)
        if self._store is not None:
            left = [] if waiting is None else [withdrawn(waiting, utc_now())]
            for audit in [*unsettled, *left]:
                self._store.add_audit(audit)
            self._store.add_end(state, message, recommended)

    def good_before(self, active: int) -> Proposal:
        """The last good policy, to go back to, and who proposed it.

        Args:
            active: the version that the controller uses, where nothing was published from here.
        """
        here = [trial for trial in self.history if trial.version == active]
        current = self.in_force[1] if self.in_force else here[0] if here else self._neutral
        return last_good(self.history, current, self._neutral)

    def revert(self, active: int) -> tuple[int, Proposal]:
        """The same to be published, on record under a new version, above all that the controller uses."""
        self.version = max(self.version, active) + 1
        good = self.good_before(active)
        if self._store is not None:
            self._store.add_audit(reverted(good, self.version, 'optimizer/revert', utc_now()))
        return self.version, good
