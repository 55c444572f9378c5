"""``llm-policy-improver rehearse``: a run on the arm rehearsed without it, where there is no ``ros2 launch``."""

import os
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from llm_policy_improver.cli.main import INTERRUPTED
from llm_policy_improver.cli.run_setup import draw_run, reporter_of, run_options
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import read_settings, to_mapping
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import PROGRAMS
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings


@click.command('rehearse')
@run_options
def rehearse_command(
    objective: str, config: Path | None, output: Path | None, as_json: bool, verbose: bool, **options: Any
) -> None:
    """Rehearse a run on the physical arm: its nodes, in real time, against a simulated stand-in.

    The stand-in arm has the interface, the delays and the noise of the real one. A scripted operator arms it and
    approves every proposal. No real arm can hear any of it.

    Example: llm-policy-improver rehearse "hit the ball as far right as possible" --trials 30
    """
    # What ROS is told before it is imported.
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    path = config or share_folder() / 'config' / 'rehearsal.yaml'
    chosen = {name: value for name, value in options.items() if value is not None}
    folder = output or default_run_folder(objective, datetime.now())
    read = read_settings(path, OptimizerSettings, 'optimizer')
    # The arm that proposals are rehearsed with is the one that is rehearsed here.
    arm = replace(read.rehearsal, config=str(path.absolute()), safety='')
    stand_in = read_settings(path, StandInSettings, 'stand_in_arm')
    controller = read_settings(path, ControllerSettings, 'controller')
    if chosen.get('method', read.method) in PROGRAMS:  # which choose for each ball, so that balls must differ
        arm, chosen['vary_balls'] = arm.in_rally(), True
        stand_in = replace(stand_in, simulation=replace(stand_in.simulation, balls='rally'))
        controller = replace(controller, programs=True)
    optimizer = replace(
        read, feed_balls=True, objective='', output_folder=str(folder.absolute()), rehearsal=arm, **chosen
    )
    optimizer.require_improvements()
    assembly = assemble(optimizer)
    asked = assembly.objective(objective)
    try:
        from llm_policy_improver.nodes.demo import RunFailedError
        from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings
    except ImportError as error:
        click.echo(f'Error: ROS 2 is not installed here ({error}): rehearse needs it', err=True)
        sys.exit(2)
    settings = RehearsalSettings(
        stand_in,
        controller,
        replace(
            read_settings(path, TraceLoggerSettings, 'trace_logger'), output_folder=optimizer.output_folder
        ),
        optimizer,
    )
    reporter = reporter_of(as_json, verbose)
    described = {f'{name}': to_mapping(of_node) for name, of_node in settings.of_nodes.items()}
    store = RunStore.create(
        folder,
        {'objective': asked.words, 'proposed_by': assembly.method.name,
         'version': version('llm-policy-improver'), **described},
    )  # fmt: skip
    interrupted = False
    with closing(reporter), closing(store):
        try:
            with RehearsalCell(settings, folder / 'rehearsal', f'/rehearsal_{os.getpid()}') as cell:
                cell.make_ready()
                reporter.begin(asked.words, asked.sentence, assembly.said, optimizer.trials)
                came_to = cell.improve(asked.words, optimizer.trials, reporter.trial)
                cell.wait(1.1)  # for the last diagnostics
                figures, faults = _figures(cell.diagnostics), cell.faults
        except RunFailedError as error:
            reporter.close()
            click.echo(f'Error: {error}; see the logs in {folder / "rehearsal"}', err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            reporter.close()
            sys.exit(INTERRUPTED)
        result = _result(store, asked, assembly, came_to.end, came_to.recommended)
        interrupted = came_to.end is None
        picture = draw_run(store, asked, optimizer.first_trials, assembly.method.name)
        reporter.end(result, folder, picture)
        for line in (figures, *(f'The arm was stopped: {fault}' for fault in faults)):
            click.echo(line, err=as_json)
    if result.end is not None and result.end.early:
        sys.exit(2)
    if interrupted:
        click.echo('Interrupted: a rehearsal in real time cannot be resumed, so begin it again', err=True)
        sys.exit(INTERRUPTED)


def _result(
    store: RunStore, objective: Objective, assembly: Assembly, end: End | None, kept: Proposal | None
) -> ImprovementResult:
    """As the optimizer's process has stored it."""
    parts = stored_parts(store)
    run = [
        (step.step(number), step.trial)
        for number, step in enumerate((step for part in parts for step in part.steps), 1)
        if step.trial is not None
    ]
    return ImprovementResult.of(
        objective, assembly.method.name, (), run, end, assembly.brief.space.labels,
        recommended=kept, noisy=bool(assembly.settings.landing_noise), left=assembly.settings.trials - len(run),
    )  # fmt: skip


def _figures(diagnostics: dict[str, dict[str, str]]) -> str:
    controller, arm = diagnostics.get('controller', {}), diagnostics.get('stand_in_arm', {})
    return (
        f'Real time: control ticks {controller.get("control tick jitter p99 [ms]", "?")} ms off in 99 of 100, '
        f'{controller.get("control tick overruns", "?")} overruns; '
        f'the stand-in arm {arm.get("lateness p99 [ms]", "?")} ms late'
    )
