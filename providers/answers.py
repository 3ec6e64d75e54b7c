"""Reading a JSON value out of a model's answer and checking it against a schema, whatever either of them holds.

An answer is bounded in length and depth; the check runs against a limit of CPU time that is looked at before every
keyword, and none of the keywords can take long by itself: patterns run on a linear engine over bounded texts,
duplicates are found by hashing, messages are cut as they arise.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import NoSuchResource

from providers.schemas import DEPTH_LIMIT, JSON, CheckedSchema, Plain, is_deeper, pattern_matcher

LENGTH_LIMIT: Final = 262_144  # characters of an answer
CPU_LIMIT: Final = 3.0  # seconds of this thread for one check; an answer of full length needs about one
ERROR_LIMIT: Final = 50_000  # complaints that may arise in one check: those of failed branches are kept in memory
PATTERN_TEXT_LIMIT: Final = 4_096  # characters of a text that a pattern is tried on
CANDIDATE_LIMIT: Final = 16  # places in a prose answer that are tried
PROBLEM_LIMIT: Final = 500  # characters
PATH_LIMIT: Final = 200  # characters
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_START = re.compile(r"[{\[]")
Check = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]  # jsonschema's own signature is untyped


@dataclass(eq=False)
class AnswerInvalid(Exception):
    """The answer is not JSON or not valid: where (a JSON path) and why, both bounded."""

    problem: str
    path: str = "$"


class _Exhausted(Exception):
    """The check used up its CPU time or its complaints."""


class _Budget:
    """What is left for one check, in this thread."""

    def __init__(self) -> None:
        self._deadline = time.thread_time() + CPU_LIMIT
        self._errors = ERROR_LIMIT

    def charge(self, errors: int = 0) -> None:
        """Raise ``_Exhausted`` when nothing is left."""
        self._errors -= errors
        if self._errors < 0 or time.thread_time() > self._deadline:
            raise _Exhausted


_budget: ContextVar[_Budget] = ContextVar("budget")


def read_answer(text: str, schema: CheckedSchema, *, with_prose: bool = False) -> JSON:
    """The valid value in ``text``; with ``with_prose`` it may stand in a code fence or between words.

    Raises ``AnswerInvalid``. Takes up to ``CPU_LIMIT`` seconds: not for the event loop's own thread.
    """
    if len(text) > LENGTH_LIMIT:
        raise AnswerInvalid(f"The answer is longer than {LENGTH_LIMIT} characters.")
    token = _budget.set(_Budget())
    try:
        return _first_valid(_candidates(text) if with_prose else iter([text]), schema.plain)
    except _Exhausted:
        raise AnswerInvalid("The answer takes too much work to check.") from None
    except RecursionError:
        raise AnswerInvalid("The answer is nested too deeply to check.") from None
    except (ArithmeticError, ValueError):
        raise AnswerInvalid("A number in the answer cannot be checked.") from None
    finally:
        _budget.reset(token)


def _first_valid(candidates: Iterator[str], schema: Plain) -> JSON:
    """The first value that is valid; else the complaint about the first that is JSON at all."""
    complaint: AnswerInvalid | None = None
    for candidate in candidates:
        try:
            value = _parse(candidate)
        except AnswerInvalid as error:
            complaint = complaint or error
            continue
        problem = _judge(value, schema)
        if problem is None:
            return value
        if complaint is None or complaint.path == "":
            complaint = problem
    raise _located(complaint or AnswerInvalid("There is no JSON in the answer.", path=""))


def _located(complaint: AnswerInvalid) -> AnswerInvalid:
    return AnswerInvalid(complaint.problem, complaint.path or "$")


def _parse(text: str) -> JSON:
    """Strict JSON: no NaN, no lone surrogates, no NUL (PostgreSQL stores none). An empty path means: not JSON."""
    if not text.strip():
        raise AnswerInvalid("The answer is empty.", path="")
    try:
        value = cast("JSON", msgspec.json.decode(text))
    except (ValueError, RecursionError) as error:
        raise AnswerInvalid(f"The answer is not JSON: {str(error)[:PROBLEM_LIMIT]}", path="") from None
    if is_deeper(value):
        raise AnswerInvalid(f"The answer is nested deeper than {DEPTH_LIMIT} levels.")
    if _NUL.search(text):
        raise AnswerInvalid("The answer holds the character NUL.")
    return value


def _candidates(text: str) -> Iterator[str]:
    """Where the JSON may be: the whole text, the fenced blocks, what starts with a bracket between words."""
    yield text
    for number, fence in enumerate(_FENCE.finditer(text)):
        if number == CANDIDATE_LIMIT:
            break
        yield fence[1]
    decoder = json.JSONDecoder()
    position = 0
    for _ in range(CANDIDATE_LIMIT):
        start = _START.search(text, position)
        if start is None:
            return
        position = start.end()
        try:
            _, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        yield text[start.start() : end]
        position = end


def _judge(value: JSON, schema: Plain) -> AnswerInvalid | None:
    error = best_match(_VALIDATOR(schema, registry=_CLOSED).iter_errors(value))
    return AnswerInvalid(error.message, error.json_path[:PATH_LIMIT]) if error else None


def _bounded(check: Check) -> Check:
    def bounded(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        budget = _budget.get()
        budget.charge()
        for error in check(validator, keyword, instance, schema) or ():
            # The library puts the whole value into its message, and anyOf gathers the errors of every branch.
            error.message, error.args = error.message[:PROBLEM_LIMIT], ()
            budget.charge(errors=1)
            yield error

    return bounded


def _matches(pattern: str, text: str) -> bool:
    return len(text) <= PATTERN_TEXT_LIMIT and pattern_matcher(pattern).isinstance_python(text)


def _pattern(validator: Any, pattern: str, instance: object, schema: Plain) -> Iterator[ValidationError]:  # noqa: ARG001
    if isinstance(instance, str) and not _matches(pattern, instance):
        longer = len(instance) > PATTERN_TEXT_LIMIT
        why = f"is longer than {PATTERN_TEXT_LIMIT} characters" if longer else f"does not match {pattern!r}"
        yield ValidationError(f"{instance[:100]!r} {why}")


def _pattern_properties(
    validator: Any,
    patterns: Mapping[str, object],
    instance: object,
    schema: Plain,  # noqa: ARG001
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name in (name for name in instance if _matches(pattern, name)):
                yield from validator.descend(instance[name], subschema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, subschema: object, instance: object, schema: Plain
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known = cast("Plain", schema.get("properties", {}))
    patterns = cast("Plain", schema.get("patternProperties", {}))
    for name, value in instance.items():
        if name in known or any(_matches(pattern, name) for pattern in patterns):
            continue
        if subschema is False:
            yield ValidationError(f"The property {name[:100]!r} is not allowed")
        else:
            yield from validator.descend(value, subschema, path=name)


def _unique_items(validator: Any, wanted: bool, instance: object, schema: Plain) -> Iterator[ValidationError]:  # noqa: ARG001
    if wanted and isinstance(instance, list) and len({_key(item) for item in instance}) < len(instance):
        yield ValidationError("The items are not unique")


def _key(value: object) -> tuple[str, object]:
    """Equal for equal JSON values: 1 is 1.0 but not true, the order of properties does not matter."""
    if isinstance(value, list):
        return "list", tuple(_key(item) for item in value)
    if isinstance(value, dict):
        return "object", frozenset((name, _key(item)) for name, item in value.items())
    return "number" if type(value) in {int, float} else type(value).__name__, value


def _refuse_retrieval(uri: str) -> Any:
    raise NoSuchResource(uri)


_CLOSED: Final[Registry[Any]] = Registry(retrieve=_refuse_retrieval)  # type: ignore[call-arg]
_OWN: Final[Mapping[str, Check]] = {
    "additionalProperties": _additional_properties,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
_VALIDATOR: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: _bounded(check) for name, check in {**Draft202012Validator.VALIDATORS, **_OWN}.items()},
)
