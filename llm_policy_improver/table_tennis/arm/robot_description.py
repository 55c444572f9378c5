"""The arm as a URDF, of primitive shapes and without meshes; from the numbers that MuJoCo's model is made of.

    Path('arm.urdf').write_text(robot_description())

Its root is frame ``table``, its last link ``paddle``, whose origin is the middle of the blade.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from llm_policy_improver.core.ranges import require_joint_names
from llm_policy_improver.table_tennis.arm.drives import DRIVES
from llm_policy_improver.table_tennis.arm.facts import Joint
from llm_policy_improver.table_tennis.arm.frames import TABLE
from llm_policy_improver.table_tennis.arm.inertia import inertia_of
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.links import LINKS, Link
from llm_policy_improver.table_tennis.shapes import Box, Capsule, Disc, Part, Vec

ROBOT: Final = 'table_tennis_arm'
_KINDS: Final = {'slide': 'prismatic', 'hinge': 'revolute'}
_NOWHERE: Final[Vec] = (0.0, 0.0, 0.0)


def robot_description(joint_names: Sequence[str] = JOINTS) -> str:
    """The URDF.

    Args:
        joint_names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.

    Raises:
        ValueError: names are missing, equal or none.
    """
    require_joint_names(tuple(joint_names), JOINTS)
    called = dict(zip(JOINTS, joint_names, strict=True))
    robot = Element('robot', name=ROBOT)
    for colour in dict.fromkeys(part.colour for link in LINKS for part in link.parts):
        SubElement(SubElement(robot, 'material', name=_material(colour)), 'color', rgba=_text(colour))
    SubElement(robot, 'link', name=TABLE)
    parent = TABLE
    for link in LINKS:
        _add_link(robot, link)
        _add_joint(robot, link, parent, called)
        parent = link.name
    indent(robot, ' ')
    return f'<?xml version="1.0"?>\n{tostring(robot, encoding="unicode")}\n'


def _add_link(robot: Element, link: Link) -> None:
    element = SubElement(robot, 'link', name=link.name)
    inertia = inertia_of(link.parts)
    inertial = SubElement(element, 'inertial')
    SubElement(inertial, 'origin', xyz=_text(inertia.centre.tolist()))
    SubElement(inertial, 'mass', value=_text([inertia.mass]))
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = inertia.tensor.tolist()
    moments = {'ixx': xx, 'ixy': xy, 'ixz': xz, 'iyy': yy, 'iyz': yz, 'izz': zz}
    SubElement(inertial, 'inertia', {name: _text([value]) for name, value in moments.items()})
    for part in link.parts:
        for place, rpy, form, sizes in _forms(part):
            for kind in ('visual', 'collision') if link.collides else ('visual',):
                shown = SubElement(element, kind)
                _add_origin(shown, place, rpy)
                SubElement(SubElement(shown, 'geometry'), form, sizes)
                if kind == 'visual':
                    SubElement(shown, 'material', name=_material(part.colour))


def _forms(part: Part) -> list[tuple[Vec, Vec, str, dict[str, str]]]:
    """Place, turn, name and sizes; a capsule, which URDF does not have, is a cylinder and two spheres."""
    shape = part.shape
    if isinstance(shape, Box):
        return [(shape.centre, _NOWHERE, 'box', {'size': _text([2.0 * half for half in shape.half])})]
    if isinstance(shape, Disc):
        return [(_NOWHERE, _NOWHERE, 'cylinder', _cylinder(shape.radius, shape.thickness))]
    return [
        (shape.centre, shape.rpy, 'cylinder', _cylinder(shape.radius, shape.length)),
        *((end, _NOWHERE, 'sphere', {'radius': _text([shape.radius])}) for end in _ends(shape)),
    ]


def _ends(shape: Capsule) -> tuple[Vec, Vec]:
    return shape.start, shape.end


def _cylinder(radius: float, length: float) -> dict[str, str]:
    return {'radius': _text([radius]), 'length': _text([length])}


def _add_joint(robot: Element, link: Link, parent: str, called: Mapping[str, str]) -> None:
    joint = link.joint
    name, kind = (f'{link.name}_fixed', 'fixed') if joint is None else (called[joint.name], _KINDS[joint.kind])
    element = SubElement(robot, 'joint', name=name, type=kind)
    _add_origin(element, link.offset, link.rpy)
    SubElement(element, 'parent', link=parent)
    SubElement(element, 'child', link=link.name)
    if joint is not None:
        SubElement(element, 'axis', xyz=_text(joint.axis))
        SubElement(element, 'limit', _limits(joint))


def _limits(joint: Joint) -> dict[str, str]:
    limits = {
        'lower': joint.low, 'upper': joint.high, 'velocity': joint.speed, 'effort': DRIVES[joint.name].force,
    }  # fmt: skip
    return {name: _text([value]) for name, value in limits.items()}


def _add_origin(element: Element, xyz: Vec, rpy: Vec) -> None:
    """None where it would say nothing."""
    given = {name: _text(values) for name, values in (('xyz', xyz), ('rpy', rpy)) if any(values)}
    if given:
        SubElement(element, 'origin', given)


def _material(colour: Sequence[float]) -> str:
    """Its name: the colour as on a web page."""
    return 'colour_' + ''.join(f'{round(255 * share):02x}' for share in colour[:3])


def _text(values: Sequence[float]) -> str:
    """Numbers as they are, to the last bit."""
    return ' '.join(f'{float(value)!r}' for value in values)
