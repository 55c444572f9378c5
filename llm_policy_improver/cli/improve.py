"""``llm-policy-improver improve``: the loop in this process, without ROS."""

import sys
from contextlib import closing
from typing import Any

import click

from llm_policy_improver.cli.approving import approval_at_terminal
from llm_policy_improver.cli.run_setup import RunSetup, noisy_option, run_options
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.runs.playing import end_stored, play_stored
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.simulation.config import PAUSE
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.incoming import expected_in


@click.command()
@run_options
@noisy_option
def improve(**options: Any) -> None:
    """Improve in simulation without ROS, in this process.

    Example: llm-policy-improver improve "just behind the net" --json
    """
    run = RunSetup.of_options(options)
    run.assembly.require_parameters()
    approval = approval_at_terminal(run.assembly)
    improvement = run.assembly.improvement(run.objective, gates=run.assembly.gates(approval))
    with closing(run.create()) as store:
        RunSettings(run.optimizer, history=0, objective=run.objective).store(store)
        status = play(run, improvement, store)
    sys.exit(status)


def play(run: RunSetup, improvement: Improvement, store: RunStore) -> int:
    """Play the rest of a run and show it; returns the exit status."""
    with closing(run.reporter):
        try:
            run.begin()
            task = TableTennis(run.simulator.simulation, run.controller.controller)
            for trial in play_stored(improvement, task, store, lambda: task.simulator.stamp + PAUSE):
                run.reporter.trial(TrialReport.of(trial))
        except (KeyboardInterrupt, click.Abort):  # the latter while a person is asked for an approval
            run.reporter.close()
        end_stored(improvement, store)
        status = run.end(improvement.result(), store)
        expected = str(expected_in(improvement.history[-1])) if improvement.history else ''
        if expected:
            click.echo(f'In the end balls are expected, from earlier ones, {expected}.', err=True)
        return status
