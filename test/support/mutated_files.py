"""Parameter files spoiled at random: values, types, structure, bytes, aliases, depth, numbers."""

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

import yaml

Tree = dict[str, Any]

ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 10**9, 10**30, -(10**12), 0.0, -1.0, 1e-300, 1e300, float('nan'), float('inf'),
    float('-inf'), '', 'x', ' ', '0x', '1e5', '\x00', '\ud7ff', 'ß' * 5000, 'a/b//c', '/', 'joint_states', 'never',
    [], [[]], [None], [1, 'a'], [0.1] * 3, [0.1] * 8, [1e300] * 8, [-1.0] * 8, ['a'] * 8, ['x'] * 2000,
    list(range(3000)), {}, {'a': 1}, {'': 1}, {'a': {'b': {'c': [1, {'d': 2}]}}},
)  # fmt: skip

Mutation = Callable[[random.Random, str], bytes]


def _places(tree: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Each map or list of the tree with each of its keys."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        found.append((tree, key))
        _places(value, found)
    return found


def _dumped(tree: Any) -> bytes:
    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, allow_unicode=True).encode(
        errors='replace'
    )


def value(draw: random.Random, text: str) -> bytes:
    """One to three values are others."""
    tree = yaml.safe_load(text)
    for _ in range(draw.randint(1, 3)):
        holder, key = draw.choice(_places(tree, []))
        holder[key] = deepcopy(draw.choice(ODD_VALUES))
    return _dumped(tree)


def scaled(draw: random.Random, text: str) -> bytes:
    """A number is another one, perhaps far off."""
    tree = yaml.safe_load(text)
    places = [(h, k) for h, k in _places(tree, []) if type(h[k]) in (int, float)]
    holder, key = draw.choice(places)
    holder[key] = type(holder[key])(holder[key] * draw.choice((-1, 0, 0.5, 2, 10, 1e6, -1e6)))
    return _dumped(tree)


def structure(draw: random.Random, text: str) -> bytes:
    """Something is gone, moved, renamed, or stands around itself."""
    tree = yaml.safe_load(text)
    holder, key = draw.choice(_places(tree, []))
    kind = draw.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = draw.choice(([holder[key]], {'ros__parameters': holder[key]}, str(holder[key])))
    elif kind == 2 and isinstance(holder, dict):
        holder[draw.choice((f'{key}_', f'{key}.{key}', 'ros__parameters', '/**', 'x' * 3000, 'é\n'))] = (
            holder.pop(key)
        )
    else:
        other, place = draw.choice(_places(tree, []))
        other[place] = yaml.safe_load(yaml.safe_dump(holder[key]))
    return _dumped(tree)


def odd_bytes(draw: random.Random, text: str) -> bytes:
    """Bits, bytes and whole stretches of the file are others."""
    content = bytearray(text.encode())
    for _ in range(draw.randint(1, 8)):
        place, kind = draw.randrange(len(content)), draw.randrange(5)
        if kind == 0:
            content[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content[place] = draw.randrange(256)
        elif kind == 2:
            del content[place : place + draw.randrange(1, 200)]
        elif kind == 3:
            content[place:place] = draw.choice(
                (b'\t', b'{', b'[', b': ', b'- ', b'\x00', b'\xff', b'"', b"'", b'|', b'&a ')
            )
        else:
            other = draw.randrange(len(content))
            content[place:place] = content[other : other + draw.randrange(1, 300)]
        content = content or bytearray(b' ')
    return bytes(content)


def cut(draw: random.Random, text: str) -> bytes:
    """The file ends too early."""
    return text.encode()[: draw.randrange(len(text.encode()))]


def aliases(draw: random.Random, text: str) -> bytes:
    """Anchors and aliases: maps that multiply, or hold themselves."""
    levels, wide = draw.randint(1, 12), draw.randint(1, 12)
    bomb = 'a0: &a0 {b: 1}\n' + ''.join(
        f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * wide)}]\n' for n in range(1, levels + 1)
    )
    own = draw.choice((
        'a: &a [*a]\n', 'a: &a {b: *a}\n', '&a {*a : 1}\n', '<<: &a {<<: *a}\n', bomb, 'x: *nowhere\n',
        'a: &a 1\na: &a 2\n', bomb.replace('[', '{<<: [').replace(']', ']}'),
    ))  # fmt: skip
    if draw.random() < 0.5:
        return own.encode() + text.encode()
    return text.replace(
        '  ros__parameters:\n', f'  ros__parameters:\n    {own.splitlines()[0]}\n', 1
    ).encode()


def deep(draw: random.Random, text: str) -> bytes:
    """Maps and lists within each other."""
    depth = draw.choice((5, 19, 25, 300, 3000, 20_000))
    opening, closing = draw.choice((('[', ']'), ('{a: ', '}'), ('- ', ''), ('? ', ''), ('!!seq [', ']')))
    value = f'{opening * depth}1{closing * depth}'
    return (f'controller: {value}\n' if draw.random() < 0.3 else f'{text}\n    deep: {value}\n').encode()


def numbers(draw: random.Random, text: str) -> bytes:
    """Numbers that are too long, or none."""
    digits = draw.choice((20, 41, 400, 4299, 5000, 30_000))
    number = draw.choice((
        '9' * digits, '-' + '9' * digits, '0x' + 'f' * digits, '0b' + '1' * digits, '1' + ':59' * digits,
        '0.' + '3' * digits, '1.0e+' + '9' * digits, '0x_', '0b_', '!!int x', '!!float {}', '!!bool 7', '!!binary "?"',
        '!!timestamp 3', '2001-99-99', '.nan', '-.inf', '!!python/name:os.system', '"\\U99999999"', '"\\ud800"',
        '!!set {1, 2}', '!!omap [1]', '!!map 3', '!!null 3', '=', '<<',
    ))  # fmt: skip
    lines = text.splitlines()
    line = draw.choice([n for n, each in enumerate(lines) if ': ' in each])
    lines[line] = f'{lines[line].partition(": ")[0]}: {number}'
    return '\n'.join(lines).encode()


def twice(draw: random.Random, text: str) -> bytes:
    """A line, or all of the file, is there twice."""
    lines = text.splitlines()
    line = draw.randrange(len(lines))
    return '\n'.join(
        lines[:line] + [lines[line]] * 2 + lines[line + 1 :] + lines * draw.randrange(3)
    ).encode()


def large(draw: random.Random, text: str) -> bytes:
    """More than any parameter file."""
    piece = draw.choice((b'#', b' ', b'\n', b'a: 1\n', b'[1,', b'x', b'- 1\n', b'\xff'))
    return text.encode() + piece * draw.choice((5_000, 60_000 // len(piece), 3_000_000))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    value, value, scaled, scaled, structure, structure, odd_bytes, cut, aliases, deep, numbers, twice, large,
)  # fmt: skip
