"""``llm-policy-improver bench ...``: figures of the simulator and the controller, with their bars, and experiments."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import click

from llm_policy_improver.cli.experiments import EXPERIMENTS
from llm_policy_improver.core.settings import SettingsError, named_settings, read_settings
from llm_policy_improver.methods.registry import UnknownMethodError
from llm_policy_improver.nodes import hardware_in_the_loop
from llm_policy_improver.report.progress import without_nan
from llm_policy_improver.report.progress_bar import under_progress_bar
from llm_policy_improver.report.tables import print_table
from llm_policy_improver.table_tennis.bench import (
    coverage,
    drawn_arms,
    landings,
    noise,
    physics,
    reachable,
    reachable_best,
    returns,
    safety,
    throughput,
)
from llm_policy_improver.table_tennis.settings import ControllerSettings, require_limits
from llm_policy_improver.table_tennis.space import Searched


class Result(Protocol):
    """What a benchmark comes to."""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""


_json = click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
_seed = click.option('--seed', type=int, default=0, show_default=True, help='Draws the balls and parameters.')
_plot = click.option(
    '--plot',
    type=click.Path(path_type=Path, dir_okay=False),
    help='Where to save the plot.  [bench-NAME.png]',
)


@click.group()
def bench() -> None:
    """Measure the simulator and the controller, and compare methods in experiments.

    Of the simulator and the controller: physics, returns, coverage, landings, noise, throughput, reachable, safety,
    hardware-in-the-loop. Experiments: methods, functions, retrieval, improvement, context, ablation, simulated-trials;
    each keeps its rows in a folder and can be resumed. Solved examples of the tasks: references.
    """


def _show(title: str, result: Result, as_json: bool) -> None:
    if as_json:
        json.dump(without_nan(result.as_json()), sys.stdout)
        print()
        return
    print_table(('figure', 'measured', 'bar'), result.rows(), title)


def _save(draw: Callable[[Path], None], path: Path | None, name: str) -> None:
    path = path or Path(f'bench-{name}.png')
    draw(path)
    click.echo(f'Plot: {path}', err=True)


@bench.command('physics')
@_seed
@_json
def physics_command(seed: int, as_json: bool) -> None:
    """Ball flight and bounces against closed formulas."""
    _show('Physics of the ball', physics.run(seed), as_json)


@bench.command('returns')
@click.option('--balls', type=click.IntRange(1), default=1000, show_default=True, help='Balls of a rally.')
@_seed
@_plot
@_json
def returns_command(balls: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Share of balls that the bare controller returns."""
    result = under_progress_bar(lambda step: returns.run(balls, seed, step))
    _show('Returns of the bare controller', result, as_json)
    _save(result.draw, plot, 'returns')


@bench.command('coverage')
@click.option(
    '--samples', type=click.IntRange(20), default=1000, show_default=True, help='Random attenuations.'
)
@click.option('--varied', type=click.IntRange(1), default=200, show_default=True, help='Varied balls.')
@_seed
@_plot
@_json
def coverage_command(samples: int, varied: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Where random attenuations put the ball, and what each parameter does."""
    result = under_progress_bar(lambda step: coverage.run(samples, varied, seed, step))
    _show('Coverage of the table', result, as_json)
    _save(result.draw, plot, 'coverage')


@bench.command('landings')
@click.option('--trials', type=click.IntRange(20), default=1000, show_default=True, help='Trials.')
@click.option(
    '--noise',
    type=click.FloatRange(0.0, 0.05),
    default=0.003,
    show_default=True,
    help="m, the cameras' noise.",
)
@_seed
@_plot
@_json
def landings_command(trials: int, noise: float, seed: int, plot: Path | None, as_json: bool) -> None:
    """Error of the detected landings and outcomes under camera noise."""
    result = under_progress_bar(lambda step: landings.run(trials, noise, seed, step))
    _show('Detected landings', result, as_json)
    _save(result.draw, plot, 'landings')


@bench.command('noise')
@click.option('--balls', type=click.IntRange(15), help='With the unchanged controller.  [200; --quick: 30]')
@click.option('--policies', type=click.IntRange(5), help='Random attenuations.  [100; --quick: 10]')
@click.option('--seeds', type=click.IntRange(0), help='Of the losses; 0: none is measured.  [10; --quick: 1]')
@click.option('--method', 'methods', multiple=True, help='Whose losses are measured.  [those compared]')
@click.option('--processes', type=click.IntRange(1), help='For the losses.  [one a core]')
@click.option(
    '--all-trials/--until-reached',
    default=True,
    show_default=True,
    help='Whether runs end where the objective is reached, or nothing worth a trial is left.',
)
@click.option('--quick', is_flag=True, help='A small form, to see that all works.')
@_seed
@_plot
@_json
def noise_command(
    balls: int | None, policies: int | None, seeds: int | None, methods: tuple[str, ...], processes: int | None,
    all_trials: bool, quick: bool, seed: int, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """How far landings of the same parameters lie apart under camera noise, delays and random phases.

    And what methods come to under them, on arms that are 5 to 15 % off what the simulator takes them for.
    """
    from llm_policy_improver.experiments import noisy_losses

    balls, policies = balls or (30 if quick else 200), policies or (10 if quick else 100)
    seeds = (1 if quick else 10) if seeds is None else seeds
    least = 2 if quick else None
    try:
        runs = noisy_losses.runs_of(
            seeds, drawn_arms.FINAL[: 1 if quick else None], methods or noisy_losses.COMPARED[:least],
            noisy_losses.AIMS[:least], not all_trials,
        )  # fmt: skip
    except UnknownMethodError as error:
        raise click.ClickException(str(error)) from None
    scatter = under_progress_bar(lambda step: noise.run(balls, policies, seed, step))
    losses = under_progress_bar(lambda step: noisy_losses.run(runs, step, processes))
    _show('Landings under noise', noisy_losses.NoiseReport(scatter, losses), as_json)
    _save(scatter.draw, plot, 'noise')


@bench.command('throughput')
@click.option(
    '--trials', type=click.IntRange(10), default=100, show_default=True, help='Trials a measurement.'
)
@_json
def throughput_command(trials: int, as_json: bool) -> None:
    """Trials a second, beside the physics alone."""
    _show('Throughput', under_progress_bar(lambda step: throughput.run(trials, step)), as_json)


@bench.command('safety')
@click.option('--cases', type=click.IntRange(1), default=5000, show_default=True, help='Attacks.')
@click.option(
    '--pauses', type=click.IntRange(0), default=2000, show_default=True, help='Pauses of the process in a swing.'
)
@click.option(
    '--limits',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Parameter file with other safety limits, as config/safety.yaml.',
)
@_seed
@_json
def safety_command(cases: int, pauses: int, limits: Path | None, seed: int, as_json: bool) -> None:
    """Attacks on safety stage and watchdog, and pauses: nothing may leave the limits."""
    try:
        kept = ControllerSettings()
        if limits is not None:
            kept = read_settings(limits, ControllerSettings, 'controller')
            require_limits(named_settings(limits, 'controller'), str(limits))
    except SettingsError as error:
        click.echo(f'Error: {error}', err=True)
        sys.exit(2)
    result = under_progress_bar(lambda step: safety.run(cases, seed, kept.safety, step, pauses=pauses))
    _show('Attacks on the arm', result, as_json)
    sys.exit(1 if result.broken else 0)


@bench.command('hardware-in-the-loop')
@click.option('--balls', type=click.IntRange(1), default=50, show_default=True, help='Slow and normal balls.')
@_seed
@_json
def hardware_in_the_loop_command(balls: int, seed: int, as_json: bool) -> None:
    """Returns of the hardware nodes against the stand-in arm, in real time; 4 s a ball."""
    try:
        from llm_policy_improver.nodes.demo import RunFailedError
    except ImportError as error:
        click.echo(
            f'Error: ROS 2 is not installed here ({error}): bench hardware-in-the-loop needs it', err=True
        )
        sys.exit(2)
    try:
        result = under_progress_bar(lambda step: hardware_in_the_loop.run(balls, seed, step))
    except RunFailedError as error:
        click.echo(f'Error: {error}', err=True)
        sys.exit(2)
    _show('Hardware nodes against the stand-in arm', result, as_json)


@bench.command('reachable')
@click.option(
    '--trials', type=click.IntRange(100), default=3000, show_default=True, help='Trials an objective.'
)
@_seed
@click.option(
    '--output', type=click.Path(path_type=Path, dir_okay=False), required=True, help='JSON file to write.'
)
@click.option(
    '--parameters',
    type=click.Choice([each.value for each in Searched]),
    default=Searched.ATTENUATION.value,
    show_default=True,
    help='What is searched.',
)
def reachable_command(trials: int, seed: int, output: Path, parameters: str) -> None:
    """The best landing that any parameters can reach, for ten objectives, by CMA-ES."""
    searched = Searched(parameters)
    try:
        found = under_progress_bar(lambda step: reachable.run(trials, seed, searched, step))
    except ImportError:
        click.echo(
            "Error: bench reachable needs the package cmaes: pip install 'llm-policy-improver[optimizers]'",
            err=True,
        )
        sys.exit(2)
    options = f'--trials {trials} --seed {seed} --parameters {parameters}'
    command = f'llm-policy-improver bench reachable {options} --output FILE'
    output.write_text(reachable_best.to_data(found, searched, command))
    rows = [
        (name, f'{best.distance_m:.3f}', f'({best.x:+.3f}, {best.y:.3f})') for name, best in found.items()
    ]
    print_table(('objective', 'distance (m)', 'landing (m)'), rows)


for _experiment in EXPERIMENTS:
    bench.add_command(_experiment)
