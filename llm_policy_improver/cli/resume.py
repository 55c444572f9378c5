"""``llm-policy-improver resume``: go on in this process with a run of ``improve`` or ``demo``."""

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from llm_policy_improver.cli.approving import approval_at_terminal
from llm_policy_improver.cli.improve import play
from llm_policy_improver.cli.run_setup import RunSetup, json_lines_option, reporter_of, verbose_option
from llm_policy_improver.core.settings import from_mapping
from llm_policy_improver.methods.registry import PROGRAMS
from llm_policy_improver.runs.checkpoint import Checkpoint, interrupted
from llm_policy_improver.runs.objective_folder import open_run
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import RunSettings, stored_settings
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)


@click.command()
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@verbose_option
@json_lines_option
def resume(folder: Path, verbose: bool, as_json: bool) -> None:
    """Go on with a run that was interrupted, from what is stored of it.

    One of demo goes on as one of improve does, without ROS: the same trials would have been played.

    Example: llm-policy-improver resume runs/2026-11-20T06-34-30-far-right
    """
    with closing(open_run(folder, RunStore.open)) as store:
        for part in Part:
            taken_over = store.hold(part)
            if taken_over:
                click.echo(taken_over, err=True)
        with store.understood():
            made_with = stored_settings(store)
            if made_with is None:
                raise StoreError(f'the run in {folder} does not hold its settings, so it cannot be resumed')
            checkpoint = _checkpoint(store, made_with)
            _require_resumable_here(store, made_with)
            made, where = store.description, f'the settings stored in {folder}'
            simulator = from_mapping(SimulatorSettings, made['simulator'], where)
            controller = from_mapping(ControllerSettings, made['controller'], where)
            run = RunSetup(
                checkpoint.objective, simulator, controller, TraceLoggerSettings(),
                replace(made_with.optimizer, trials=checkpoint.trials), folder,
                reporter_of(as_json, verbose),
            )  # fmt: skip
            approval = approval_at_terminal(run.assembly)
            improvement = run.assembly.improvement(
                checkpoint.objective, history=checkpoint.history, gates=run.assembly.gates(approval)
            )
            improvement.restore(checkpoint.played)
        status = play(run, improvement, store)
    sys.exit(status)


def _checkpoint(store: RunStore, made_with: RunSettings) -> Checkpoint:
    """Where to go on.

    Raises:
        StoreError: nowhere; one sentence says why.
    """
    checkpoint = interrupted(store, made_with.optimizer, asked_for=True)
    if checkpoint is not None:
        return checkpoint
    if store.settings():
        raise StoreError(f'the run in {store.folder} has come to its end: there is nothing to resume')
    if store.steps():
        raise StoreError(
            f'the run in {store.folder} is of an earlier version, which did not keep whether it had come to its end: '
            'it cannot be resumed'
        )
    raise StoreError(
        f'the run in {store.folder} was interrupted before its first ball: begin it again in another folder'
    )


def _require_resumable_here(store: RunStore, made_with: RunSettings) -> None:
    """Raise `StoreError`, with what to do instead, where this process cannot play the rest of a run as it began."""
    folder, made = store.folder, store.description
    if 'stand_in_arm' in made:
        raise StoreError(
            f'the run in {folder} is a rehearsal in real time, which cannot be resumed: begin it again with '
            '"llm-policy-improver rehearse"'
        )
    if 'simulator' not in made or 'controller' not in made:
        how = f'launch them again with output_folder:={folder} resume:=true'
        if store.end_state() is not None:
            how += ', and call set_objective, as they do not go on by themselves with what was ended'
        raise StoreError(f'the run in {folder} was played by nodes that were launched: {how}')
    if made_with.optimizer.method in PROGRAMS:
        raise StoreError(
            f'the run in {folder} tries programs through the nodes, which cannot be resumed: begin it again with '
            '"llm-policy-improver demo"'
        )
