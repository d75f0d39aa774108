"""Arithmetic expressions that a graph holds: numbers, names and a few functions, nothing else of Python.

As comfy_extras/nodes_math.py of ComfyUI and py/math_expression.py of ComfyUI-Custom-Scripts work them out.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from dtk_tui.metadata.comfy.computing.node_inputs import NodeInputs
from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError

Number = int | float

_CHARS, _NODES = 500, 200
_EXPONENT, _BITS = 4000, 4096
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "abs": abs, "round": round, "sqrt": math.sqrt, "ceil": math.ceil, "floor": math.floor,
    "log": math.log, "log2": math.log2, "log10": math.log10, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "int": int, "float": float, "sum": lambda *numbers: sum(numbers), "iif": lambda a, b, c: b if a else c,
}  # fmt: skip


def result_of(expression: str, names: Mapping[str, Number]) -> Number:
    """Return what an expression gives.

    Raises:
        UndecidableError: it holds something else, or has no result, or too large a one.
    """
    if len(expression) > _CHARS:
        raise UndecidableError
    try:
        tree = ast.parse(expression.replace("\n", " ").replace("\r", "").strip(), mode="eval").body
        if sum(1 for _ in ast.walk(tree)) > _NODES:
            raise UndecidableError
        return _number(_value(tree, names))
    except (SyntaxError, ValueError, TypeError, KeyError, ArithmeticError, MemoryError, RecursionError) as error:
        raise UndecidableError from error


def _number(value: object) -> Number:
    if not isinstance(value, (int, float)) or (isinstance(value, int) and value.bit_length() > _BITS):
        raise TypeError("no number")
    return value


def _value(node: ast.expr, names: Mapping[str, Number]) -> Number:
    def inner(child: ast.expr) -> Number:
        return _value(child, names)

    found: Any
    match node:
        case ast.Constant(value=int() | float()):
            found = node.value
        case ast.Name():
            found = names[node.id]
        case ast.BinOp(op=ast.Pow()):
            found = _power(inner(node.left), inner(node.right))
        case ast.BinOp():
            found = _BINARY[type(node.op)](inner(node.left), inner(node.right))
        case ast.UnaryOp():
            found = _UNARY[type(node.op)](inner(node.operand))
        case ast.BoolOp():
            found = inner(node.values[0])
            for child in node.values[1:]:
                found = (found and inner(child)) if isinstance(node.op, ast.And) else (found or inner(child))
        case ast.Compare(ops=[one], comparators=[other]):
            found = _COMPARED[type(one)](inner(node.left), inner(other))
        case ast.IfExp():
            found = inner(node.body) if inner(node.test) else inner(node.orelse)
        case ast.Call(func=ast.Name(id="pow"), args=[base, exponent], keywords=[]):
            found = _power(inner(base), inner(exponent))
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            found = _FUNCTIONS[name](*[inner(child) for child in node.args])
        case _:
            raise TypeError("no arithmetic")
    return _number(found)


def _power(base: Number, exponent: Number) -> Number:
    if abs(exponent) > _EXPONENT or (isinstance(base, int) and base.bit_length() * abs(exponent) > _BITS):
        raise ValueError("too large")
    return _number(base**exponent)


def core_expression(inputs: NodeInputs) -> object:
    """Return what ``ComfyMathExpression`` gives: a float, an integer, a boolean."""
    prefix = "values."
    try:
        given = {name[len(prefix) :]: _number(inputs.value(name)) for name in inputs.names(prefix)}
    except TypeError as error:
        raise UndecidableError from error
    found = result_of(inputs.text("expression"), given)
    return _as_outputs(found, (float, int, bool), inputs.slot)


def script_expression(inputs: NodeInputs) -> object:
    """Return what ``MathExpression|pysssss`` gives: an integer, a float."""
    expression = inputs.text("expression")
    try:
        used = {name: _number(inputs.value(name)) for name in "abc" if name in inputs and _is_used(name, expression)}
    except TypeError as error:
        raise UndecidableError from error
    found = result_of(expression, used)
    return _as_outputs(found, (int, float), inputs.slot)


def _is_used(name: str, expression: str) -> bool:
    try:
        tree = ast.parse(expression[:_CHARS].strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UndecidableError from error
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _as_outputs(found: Number, types: tuple[Callable[[Number], object], ...], slot: int) -> object:
    try:
        return types[slot](found)
    except (IndexError, ArithmeticError, ValueError) as error:
        raise UndecidableError from error
