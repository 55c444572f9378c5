"""A task of Gymnasium: what may be known of it, and how it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.core.packages import require_package
from llm_policy_improver.tasks.gymnasium.environment import GymnasiumEnvironment

EXTRA: Final = 'suites'


@dataclass(frozen=True, slots=True)
class GymnasiumTask:
    """Calling it makes the environment.

    Attributes:
        id: in Gymnasium's registry, e.g. ``'CartPole-v1'``.
        brief: what may be known of it; its horizon is that of the episodes.
        options: given to `gymnasium.make`, where its defaults are not meant.
        parts: entries of a dict observation that are looked at, in the order of the brief.
        suites: modules whose environments are registered before, and their packages.
    """

    id: str
    brief: EpisodeBrief
    options: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    suites: tuple[tuple[str, str], ...] = ()

    def require_packages(self) -> None:
        """Raise `MissingPackageError` where a package that it rests on is not installed."""
        for module, package in (('gymnasium', 'gymnasium[classic-control,mujoco]'), *self.suites):
            require_package(module, package, f'task {self.id}', EXTRA)

    def __call__(self) -> GymnasiumEnvironment:
        """The environment.

        Raises:
            MissingPackageError: a package that it rests on is not installed.
        """
        self.require_packages()
        import gymnasium  # only who makes one of its tasks needs it

        for module, _ in self.suites:
            gymnasium.register_envs(import_module(module))
        simulated = gymnasium.make(
            self.id, max_episode_steps=self.brief.horizon, disable_env_checker=True, **self.options
        )
        return GymnasiumEnvironment(simulated, self.brief, self.parts)
