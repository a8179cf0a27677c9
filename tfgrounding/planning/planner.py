"""From a query to a plan: by the rules, by an LLM, or from stored plans; one query or a batch."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..llm.replies import Usage
from ..registry import find, make, names
from ..types import Plan, Progress
from .llm import LLMPlanner
from .plans import Planner, StoredPlanner, planned, write_plans, write_tfvtg
from .rules.plan import RulesPlanner

ALSO = ("auto", "the path of a plan file")

__all__ = [
    "LLMPlanner",
    "PlanReport",
    "Planner",
    "RulesPlanner",
    "StoredPlanner",
    "get_planner",
    "plan_many",
    "write_plans",
    "write_tfvtg",
]


def get_planner(
    planner: str | Planner | type[Planner] = "auto", *, stored: str | Path | None = None, **options: Any
) -> Planner:
    """The planner of a name.

    Args:
        planner: "auto" (the rules, never an LLM), "rules", "llm" or "llm:MODEL", the name of a plug-in's planner, the
            path of a plan file, "module:Class" of your own, a class, or a planner, which is returned as it is.
        stored: a plan file; its plans are used first, and the others get a warning.
        options: of a class, by name, such as `model` and `base_url` of `LLMPlanner`.

    Returns:
        An object with `name` and `plan(query)`.

    Raises:
        PlanError: there is no such planner, it does not have these options, or a plan file that can't be read.
        ModelError: "llm" without a model, a key or a server.
    """
    if stored is not None:
        return StoredPlanner.read(stored, otherwise=get_planner(planner, **options))
    if isinstance(planner, str):
        if planner == "auto":
            planner = "rules"
        elif planner.partition(":")[0] not in names("planners") and Path(planner).is_file():
            planner = StoredPlanner.read(planner)
    if options:
        found = find("planners", planner, also=ALSO, error=PlanError)[0] if isinstance(planner, str) else planner
        known = inspect.signature(found).parameters if isinstance(found, type) else {}
        if unknown := [name for name in options if name not in known]:
            raise PlanError(f"the planner {_label(planner)} has no option {', '.join(unknown)}")
    return make("planners", planner, needs=("name", "plan"), also=ALSO, error=PlanError, **options)


def _label(planner: Any) -> str:
    return planner if isinstance(planner, str) else getattr(planner, "name", type(planner).__name__)


@dataclass(frozen=True)
class PlanReport:
    """How the plans of a batch were made, and what they cost."""

    queries: int
    sources: dict[str, int] = field(default_factory=dict)  # Plan.source -> plans made now
    resumed: int = 0  # plans that were already in the output file
    usage: Usage = field(default_factory=Usage)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {**asdict(self), "degraded": self.sources.get("rules", 0)}


def plan_many(
    queries: Iterable[str],
    planner: Planner,
    *,
    concurrency: int = 4,
    output: str | Path | None = None,
    ask_degraded_again: bool = False,
    progress: Progress | None = None,
) -> tuple[dict[str, Plan], PlanReport]:
    """Plan many queries; equal ones are planned once.

    Args:
        queries: the sentences.
        planner: makes the plans.
        concurrency: how many queries are planned at the same time.
        output: a file of JSON lines; each plan is added to it as soon as it is made. Call again with the same file to
            resume after a crash: plans that are in it are not made again.
        ask_degraded_again: make those plans again that the rules made because the model failed.
        progress: called with (plans done, plans in all).

    Returns:
        {query: plan} in the order of the queries, and how the plans were made.

    Raises:
        PlanError: an empty query, or an output file that is not a plan file.
        RefusedError: the server refuses the key or has no such model; finished plans stay in `output`.
    """
    wanted = list(dict.fromkeys(Plan(query).query for query in queries))
    if concurrency < 1:
        raise PlanError(f"concurrency must be at least 1, not {concurrency}")
    done = _resume(Path(output), again=ask_degraded_again) if output is not None else {}
    todo = [query for query in wanted if query not in done]
    resumed = len(wanted) - len(todo)
    client = getattr(planner, "client", None)
    before = client.usage if client else Usage()
    sources: Counter[str] = Counter()
    log_file = Path(output).open("a", encoding="utf-8", errors="backslashreplace") if output is not None else None  # noqa: SIM115
    pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="plan")
    try:
        running = {pool.submit(planned, planner, query): query for query in todo}
        for count, future in enumerate(as_completed(running), start=resumed + 1):
            plan = done[running[future]] = future.result()
            sources[plan.source] += 1
            if log_file is not None:
                try:
                    log_file.write(json.dumps(plan.to_dict(), ensure_ascii=False) + "\n")
                    log_file.flush()
                except OSError as error:
                    raise PlanError(f"{output} can't be written; it has the plans made before: {error}") from None
            if progress is not None:
                progress(count, len(wanted))
    finally:
        pool.shutdown(cancel_futures=True)
        if log_file is not None:
            log_file.close()
    after = client.usage if client else Usage()
    spent = Usage(
        after.requests - before.requests,
        after.prompt_tokens - before.prompt_tokens,
        after.completion_tokens - before.completion_tokens,
    )
    return {query: done[query] for query in wanted}, PlanReport(len(wanted), dict(sources), resumed, spent)


def _resume(path: Path, *, again: bool) -> dict[str, Plan]:
    """The plans of an earlier run; an incomplete last line is removed from the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise PlanError(f"{path} is not a file: name another output file")
        lines = path.read_bytes().strip().split(b"\n") if path.exists() else []
    except OSError as error:
        raise PlanError(f"{path} can't be used for the plans: {error}") from None
    plans = []
    for number, line in enumerate(lines, start=1):
        try:
            plans.append(Plan.from_dict(json.loads(line)))
        except (ValueError, RecursionError, AttributeError, PlanError) as error:
            if number < len(lines):
                raise PlanError(f"{path}, line {number} is not a plan ({error}): name another output file") from None
    if again:
        plans = [plan for plan in plans if not (plan.source == "rules" and plan.warnings)]
    write_plans(path, plans)
    return {plan.original or plan.query: plan for plan in plans}
