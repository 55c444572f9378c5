"""OpenGL without a screen, for pictures of the scene.

EGL draws on a graphics card or in software, OSMesa in software alone. ``MUJOCO_GL`` chooses, as everywhere in MuJoCo;
where it names neither, the first one whose library is there is taken. PyOpenGL keeps to one of them for the life of a
process, so that the other one cannot be tried after one has failed.
"""

import ctypes
import importlib
import os
from typing import Any, Final

from llm_policy_improver.core.shortened import shortened, shown

_LIBRARIES: Final = {'egl': 'libEGL.so.1', 'osmesa': 'libOSMesa.so.8'}
_OFF: Final = ('disable', 'disabled', 'off', 'false', '0')
_KNOWN: Final = (*_LIBRARIES, *_OFF, '', 'enable', 'enabled', 'on', 'true', '1', 'glfw', 'glx')
"""Values of ``MUJOCO_GL`` on Linux; those with a screen do not matter here."""
_INSTALL: Final = 'install EGL, on Debian or Ubuntu with "apt install libegl1 libopengl0"'


class NoPictureError(RuntimeError):
    """This machine cannot draw the scene; the message says why and what to do."""


def off_screen_context(width: int, height: int) -> Any:
    """An OpenGL context that is current in this thread; its ``free()`` ends it.

    Args:
        width, height: pixels of the largest picture.

    Raises:
        NoPictureError: OpenGL is not to be had.
    """
    name = _back_end()
    try:
        context = importlib.import_module(f'mujoco.{name}').GLContext(width, height)
        context.make_current()
    # The bindings raise whatever they run into where a part of OpenGL is missing, AttributeError among others.
    except Exception as error:
        why = shortened(f'{type(error).__name__}: {error}', 90)
        raise NoPictureError(
            f'nothing can be drawn here: OpenGL by {name} does not work ({why}); {_INSTALL}, or set MUJOCO_GL to '
            'the other one of egl and osmesa'
        ) from error
    return context


def require_usable_choice() -> None:
    """Raise `NoPictureError` where ``MUJOCO_GL`` says what cannot be: then MuJoCo itself cannot even be imported."""
    asked = _asked()
    if asked not in _KNOWN:
        raise NoPictureError(
            f'nothing can be drawn: MUJOCO_GL is {shown(asked)}, expected egl, osmesa or nothing; unset it'
        )
    if asked in _LIBRARIES and not _is_there(_LIBRARIES[asked]):
        raise NoPictureError(
            f'nothing can be drawn: MUJOCO_GL asks for {asked}, whose library {_LIBRARIES[asked]} is not there; '
            'unset it, or install that'
        )


def _back_end() -> str:
    require_usable_choice()
    asked = _asked()
    if asked in _LIBRARIES:
        return asked
    if asked in _OFF:
        raise NoPictureError(f'nothing can be drawn: MUJOCO_GL is {asked}; unset it')
    for name, library in _LIBRARIES.items():
        if _is_there(library):
            return name
    raise NoPictureError(
        f'nothing can be drawn without a screen here: neither EGL nor OSMesa was found; {_INSTALL}'
    )


def _asked() -> str:
    return os.environ.get('MUJOCO_GL', '').strip().lower()


def _is_there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
