"""All episodic tasks by name. A new one is a file with its environment, and one line in `TASKS`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from llm_policy_improver.core.environment import Environment, EpisodeBrief
from llm_policy_improver.core.registered import registered, unknown_text

TASKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        'noise_world_0': '.noise_world.environment:BOARD_0',
        'noise_world_1': '.noise_world.environment:BOARD_1',
        'noise_world_2': '.noise_world.environment:BOARD_2',
        'noise_world_3': '.noise_world.environment:BOARD_3',
        'noise_world_4': '.noise_world.environment:BOARD_4',
        'noise_world_5': '.noise_world.environment:BOARD_5',
        'noise_world_6': '.noise_world.environment:BOARD_6',
        'noise_world_4_keys_told': '.noise_world.environment:BOARD_4_KEYS_TOLD',
        'noise_world_5_keys_told': '.noise_world.environment:BOARD_5_KEYS_TOLD',
        'noise_world_6_keys_told': '.noise_world.environment:BOARD_6_KEYS_TOLD',
        'cart_pole': '.gymnasium.balancing:CART_POLE',
        'inverted_pendulum': '.gymnasium.balancing:INVERTED_PENDULUM',
        'pendulum': '.gymnasium.balancing:PENDULUM',
        'acrobot': '.gymnasium.balancing:ACROBOT',
        'mountain_car': '.gymnasium.mountain_car:MOUNTAIN_CAR',
        'mountain_car_continuous': '.gymnasium.mountain_car:MOUNTAIN_CAR_CONTINUOUS',
        'half_cheetah': '.gymnasium.locomotion:HALF_CHEETAH',
        'hopper': '.gymnasium.locomotion:HOPPER',
        'walker_2d': '.gymnasium.locomotion:WALKER_2D',
        'swimmer': '.gymnasium.locomotion:SWIMMER',
        'reacher': '.gymnasium.locomotion:REACHER',
        'point_maze': '.gymnasium.point_maze:POINT_MAZE',
        'button_press': '.meta_world.tasks:BUTTON_PRESS',
        'pick_place': '.meta_world.tasks:PICK_PLACE',
        'door_open': '.meta_world.tasks:DOOR_OPEN',
        'drawer_open': '.meta_world.tasks:DRAWER_OPEN',
        'arm_varied_balls': '.arm_varied_balls:ARM_VARIED_BALLS',
    }
)
"""Where each is written: ``'module:name'`` of an `EpisodicTask`, imported when it is asked for."""


class UnknownTaskError(ValueError):
    """No task has this name; the message names those meant, or all."""


class EpisodicTask(Protocol):
    """What stands behind a name: calling it makes the environment."""

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it; to be had without the packages that it rests on."""

    def __call__(self) -> Environment:
        """The environment.

        Raises:
            MissingPackageError: it rests on a package that is not installed.
        """


@runtime_checkable
class RestsOnPackages(Protocol):
    """An `EpisodicTask` that needs packages that may not be there."""

    def require_packages(self) -> None:
        """Raise `MissingPackageError` where one is not installed; nothing is loaded or made."""


def episodic_task(name: str) -> EpisodicTask:
    """The task of this name.

    Raises:
        UnknownTaskError: there is none.
    """
    if name not in TASKS:
        raise UnknownTaskError(unknown_text('task', name, TASKS))
    task: EpisodicTask = registered(TASKS[name], __package__)
    return task


def require_packages(name: str) -> None:
    """Ask whether the packages that the task of this name rests on are there, without making it.

    Raises:
        UnknownTaskError: there is none.
        MissingPackageError: a package is not installed.
    """
    task = episodic_task(name)
    if isinstance(task, RestsOnPackages):
        task.require_packages()


def make_environment(name: str) -> Environment:
    """The environment of this name; whoever asked for it closes it.

    Raises:
        UnknownTaskError: there is none.
        MissingPackageError: it rests on a package that is not installed.
    """
    return episodic_task(name)()
