"""``llm-policy-improver improve`` and ``resume``: the loop in this process, without ROS."""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from llm_policy_improver.cli.approving import approval_at_terminal
from llm_policy_improver.cli.run_setup import RunSetup, run_options
from llm_policy_improver.core.settings import SettingsError, from_mapping
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.runs.checkpoint import interrupted
from llm_policy_improver.runs.playing import play_stored
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import RunSettings, stored_settings
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.simulation.config import PAUSE
from llm_policy_improver.table_tennis.task import TableTennis


@click.command()
@run_options
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
        status = _play(run, improvement, store)
    sys.exit(status)


@click.command()
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@click.option('--json', 'as_json', is_flag=True, help='One JSON line per trial and one at the end.')
def resume(folder: Path, as_json: bool) -> None:
    """Go on with a run that was interrupted, from what is stored of it.

    Example: llm-policy-improver resume runs/2026-11-20T06-34-30-far-right
    """
    with closing(RunStore.open(folder)) as store:
        made_with = stored_settings(store)
        if made_with is None:
            raise StoreError(f'the run in {folder} does not hold its settings, so it cannot be resumed')
        checkpoint = interrupted(store, made_with.optimizer)
        if checkpoint is None:
            raise StoreError(f'the run in {folder} has come to its end: there is nothing to resume')
        made, where = store.description, f'the settings stored in {folder}'
        if 'simulator' not in made or 'controller' not in made:
            raise SettingsError(
                f'the run in {folder} was not played in simulation by this command line: start its nodes again with '
                'resume:=true'
            )
        simulator = from_mapping(SimulatorSettings, made['simulator'], where)
        controller = from_mapping(ControllerSettings, made['controller'], where)
        run = RunSetup(
            checkpoint.objective.words, simulator, controller, TraceLoggerSettings(),
            replace(made_with.optimizer, trials=checkpoint.trials), folder, as_json,
        )  # fmt: skip
        run.assembly.require_parameters()
        approval = approval_at_terminal(run.assembly)
        improvement = run.assembly.improvement(
            checkpoint.objective, history=checkpoint.history, gates=run.assembly.gates(approval)
        )
        improvement.restore(checkpoint.played)
        status = _play(run, improvement, store)
    sys.exit(status)


def _play(run: RunSetup, improvement: Improvement, store: RunStore) -> int:
    """Play the rest of a run and show it; returns the exit status."""
    task = TableTennis(run.simulator.simulation, run.controller.controller)
    with closing(run.reporter):
        run.begin()
        try:
            for trial in play_stored(improvement, task, store, lambda: task.simulator.stamp + PAUSE):
                run.reporter.trial(TrialReport.of(trial))
        except KeyboardInterrupt:
            run.reporter.close()
        result = improvement.result()
        if result.end is not None:
            store.add_end('finished', result.stopped or f'{result.trials} trials')
        status = run.end(result, store)
        if result.end is None:
            click.echo(f'Interrupted: go on with "llm-policy-improver resume {run.folder}"', err=True)
        return status
