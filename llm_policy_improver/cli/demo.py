"""``llm-policy-improver demo``: an improvement through the real ROS 2 nodes, composed in one process."""

import os
import sys
from contextlib import closing
from dataclasses import replace
from typing import Any

import click

from llm_policy_improver.cli.main import fail
from llm_policy_improver.cli.run_setup import RunSetup, run_options


@click.command()
@run_options
def demo(**options: Any) -> None:
    """Improve in simulation, through the real ROS 2 nodes composed in one process.

    Example: llm-policy-improver demo "hit the ball as far right as possible"
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    run = RunSetup.of_options(options)
    try:
        # Importing it takes a second or two: the heading is shown before.
        import rclpy  # noqa: F401
    except ImportError as error:
        fail(
            f'ROS 2 is not installed here ({error}): use "llm-policy-improver improve", the same loop without ROS'
        )
    with closing(run.reporter), closing(run.create()) as store:
        run.begin()
        from llm_policy_improver.nodes.demo import Demo, DemoSettings, RunFailedError

        folder = str(run.folder)
        settings = DemoSettings(
            run.simulator, run.controller, replace(run.trace_logger, output_folder=folder),
            replace(run.optimizer, output_folder=folder, objective=''), run.objective,
        )  # fmt: skip
        with Demo(settings, namespace=f'demo_{os.getpid()}') as nodes:
            try:
                result = nodes.improve(run.objective.words, run.optimizer.trials, run.reporter.trial)
            except RunFailedError as error:
                run.reporter.close()
                fail(str(error))
            status = run.end(result, store)
    sys.exit(status)
