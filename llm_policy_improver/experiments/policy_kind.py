"""Which kind of policy a program is, told from its syntax alone: a rough sorting for tables, not a judgement.

In this order:

- **planner**: it searches or iterates over states. It uses ``heapq`` or ``deque``; or a function calls itself; or loops
  stand within loops, and something is written by index there; or a function is named after a search, e.g.
  ``value_iteration``, ``bfs``, ``plan``; or it simulates ahead and takes the best: a loop advances a state of two or
  more numbers, each from itself and one of them from another, and somewhere the least or largest of many is chosen.
- **tuned_controller**: it has products (gains on what is observed, a dot product counts as one), at least as many as
  branches.
- **rules**: it compares and branches.
- **other**: none of these, e.g. always the same action.
"""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

_QUEUES: Final = frozenset({'heapq', 'heappush', 'heappop', 'deque', 'PriorityQueue'})
_PRODUCTS: Final = frozenset({'dot', 'matmul', 'einsum', 'inner', 'vdot'})
_SEARCH: Final = re.compile(
    r'value_iteration|policy_iteration|dijkstra|a_?star|bfs|dfs|shortest|plan|search|mpc|rollout|mcts'
)
_CHOOSERS: Final = frozenset(
    {'argmin', 'argmax', 'nanargmin', 'nanargmax', 'argsort', 'argpartition', 'nlargest', 'nsmallest'}
)
_LOOPS: Final = (ast.For, ast.While)


class PolicyKind(StrEnum):
    """As this module tells them."""

    PLANNER = 'planner'
    CONTROLLER = 'tuned_controller'
    RULES = 'rules'
    OTHER = 'other'


def kind_of(source: str) -> PolicyKind:
    """The kind of a program.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    if _plans(tree):
        return PolicyKind.PLANNER
    nodes = list(ast.walk(tree))
    branches = sum(isinstance(node, ast.If | ast.IfExp) for node in nodes)
    products = sum(_is_product(node) for node in nodes)
    if products and products >= branches:
        return PolicyKind.CONTROLLER
    compares = any(isinstance(node, ast.Compare) for node in nodes)
    return PolicyKind.RULES if branches or compares else PolicyKind.OTHER


def _plans(tree: ast.Module) -> bool:
    if _QUEUES & {_name(node) for node in ast.walk(tree)}:
        return True
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if any(_SEARCH.search(function.name.lower()) or _calls_itself(function) for function in functions):
        return True
    if any(_writes_by_index(inner) for outer in _loops(tree) for inner in _loops_within(outer)):
        return True
    return any(map(_advances_a_state, _loops(tree))) and any(map(_takes_the_best, ast.walk(tree)))


def _advances_a_state(loop: ast.For | ast.While) -> bool:
    """Whether two numbers or more are advanced in a loop, each from itself, and one of them from another one.

    So a sum of products is no state, nor what a layer of a network gives to the next, but position and velocity are.
    """
    reads: dict[str, set[str]] = {}
    for node in ast.walk(loop):
        for name, read in _assigned(node):
            reads.setdefault(name, set()).update(read)
    advanced = {name for name, read in reads.items() if name in read}
    return any(reads[name] & (advanced - {name}) for name in advanced)


def _assigned(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Names that a statement assigns, each with the names that its new value is read from."""
    if isinstance(node, ast.AugAssign):
        yield from ((name, _read(node.value) | {name}) for name in _targets(node.target))
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _matched(target, node.value)


def _matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, set[str]]]:
    """``a, b = c, d`` reads c for a and d for b; of ``a, b = f(c, d)`` both read both."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for each, its in zip(target.elts, value.elts, strict=True):
            yield from _matched(each, its)
    else:
        yield from ((name, _read(value)) for name in _targets(target))


def _targets(target: ast.expr) -> Iterator[str]:
    """Variables and attributes, not what is written by index."""
    if isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            yield from _targets(each)
    elif isinstance(target, ast.Name | ast.Attribute):
        yield ast.unparse(target)


def _read(value: ast.expr) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(value) if isinstance(node, ast.Name | ast.Attribute)}


def _takes_the_best(node: ast.AST) -> bool:
    """Whether the least or largest of many is taken: by NumPy, a key, of a comprehension, or ``if a < b: b = a``."""
    if isinstance(node, ast.Call):
        name = _name(node.func)
        of_many = any(isinstance(given, ast.GeneratorExp | ast.ListComp) for given in node.args)
        by_key = any(keyword.arg == 'key' for keyword in node.keywords)
        return name in _CHOOSERS or (name in ('min', 'max', 'sorted') and (of_many or by_key))
    if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
        compared = [ast.unparse(each) for each in (node.test.left, *node.test.comparators)]
        kept = {
            ast.unparse(target)
            for statement in node.body
            if isinstance(statement, ast.Assign) and ast.unparse(statement.value) in compared
            for target in statement.targets
        }
        return bool(kept & set(compared))
    return False


def _name(node: ast.AST) -> str:
    """What a node names, where it names something."""
    for field in ('id', 'attr', 'name'):
        if isinstance(found := getattr(node, field, None), str):
            return found
    return ''


def _calls_itself(function: ast.FunctionDef) -> bool:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(_name(called) == function.name for called in calls)


def _loops(tree: ast.AST) -> Iterator[ast.For | ast.While]:
    return (node for node in ast.walk(tree) if isinstance(node, _LOOPS))


def _loops_within(loop: ast.For | ast.While) -> Iterator[ast.For | ast.While]:
    return (node for node in _loops(loop) if node is not loop)


def _writes_by_index(loop: ast.For | ast.While) -> bool:
    stored = (node.ctx for node in ast.walk(loop) if isinstance(node, ast.Subscript))
    return any(isinstance(context, ast.Store) for context in stored)


def _is_product(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mult | ast.MatMult)
    return isinstance(node, ast.Call) and _name(node.func) in _PRODUCTS
