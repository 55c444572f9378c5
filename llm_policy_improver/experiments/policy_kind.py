"""Which kind of policy a program is, told from its syntax alone: a rough sorting for tables, not a judgement.

In this order:

- **planner**: it searches or iterates over states. It uses ``heapq`` or ``deque``; or a function calls itself; or loops
  stand within loops, and something is written by index there; or a function is named after a search, e.g.
  ``value_iteration``, ``bfs``, ``plan``.
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
    return any(_writes_by_index(inner) for outer in _loops(tree) for inner in _loops_within(outer))


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
