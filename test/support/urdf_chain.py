"""Forward kinematics of a URDF, written from its specification alone: nothing of the package is in it."""

import math
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def numbers(text: str | None, otherwise: str = '0 0 0') -> list[float]:
    return [float(each) for each in (otherwise if text is None else text).split()]


def turned(axis: int, angle: float) -> Array:
    """(4, 4), about the x, y or z axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[second, first], matrix[first, second] = math.sin(angle), -math.sin(angle)
    return matrix


def moved(xyz: list[float]) -> Array:
    matrix = np.eye(4)
    matrix[:3, 3] = xyz
    return matrix


def origin_of(element: ElementTree.Element) -> Array:
    """(4, 4): fixed-axis roll, pitch and yaw, then the way."""
    origin = element.find('origin')
    found = {} if origin is None else origin.attrib
    roll, pitch, yaw = numbers(found.get('rpy'))
    return moved(numbers(found.get('xyz'))) @ turned(2, yaw) @ turned(1, pitch) @ turned(0, roll)


@dataclass(frozen=True)
class Urdf:
    """A robot description."""

    root: ElementTree.Element

    @classmethod
    def read(cls, text: str) -> 'Urdf':
        return cls(ElementTree.fromstring(text))

    @property
    def joints(self) -> list[ElementTree.Element]:
        return self.root.findall('joint')

    @property
    def moving(self) -> list[str]:
        return [str(joint.get('name')) for joint in self.joints if joint.get('type') != 'fixed']

    def link(self, name: str) -> ElementTree.Element:
        (found,) = (link for link in self.root.findall('link') if link.get('name') == name)
        return found

    def poses(self, values: dict[str, float]) -> dict[str, Array]:
        """(4, 4) of each link in that of the root, which is the link that is nobody's child."""
        children = {joint.find('child').attrib['link']: joint for joint in self.joints}  # type: ignore[union-attr]
        (root,) = {str(link.get('name')) for link in self.root.findall('link')} - set(children)
        found = {root: np.eye(4)}
        while len(found) < len(children) + 1:
            for name, joint in children.items():
                parent = joint.find('parent').attrib['link']  # type: ignore[union-attr]
                if name not in found and parent in found:
                    value = values.get(str(joint.get('name')), 0.0)
                    found[name] = found[parent] @ origin_of(joint) @ self._motion(joint, value)
        return found

    @staticmethod
    def _motion(joint: ElementTree.Element, value: float) -> Array:
        if joint.get('type') == 'fixed':
            return np.eye(4)
        axis = numbers(joint.find('axis').get('xyz'))  # type: ignore[union-attr]
        if joint.get('type') == 'prismatic':
            return moved([value * each for each in axis])
        assert sorted(axis) == [0.0, 0.0, 1.0]
        return turned(axis.index(1.0), value)
