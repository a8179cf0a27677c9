"""Vision LLMs on the command line: the options that they take, and the command that examines one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TFGroundingError
from .terminal import Device, plain

if TYPE_CHECKING:
    from ..types import VideoInfo
    from ..vision.findings import Findings, ViewResult

QUERY_PICTURES = 128  # for which the cost of one query is told: what numpro shows of a video at most
QUESTION_TOKENS, REPLY_TOKENS = 150, 40  # of a query
LABEL = 28  # characters
OPTIONS = ("--view", "--budget", "--vlm-pictures", "--vlm-timeout", "--vlm-concurrency")


@dataclass(frozen=True, slots=True)
class VisionOptions:
    """The options of a vision LLM, None where they are not given."""

    view: str | None = None
    pictures: int | None = None
    budget: int | None = None
    timeout: float | None = None
    concurrency: int | None = None

    def settings(self, vlm: str | None, device: str) -> dict[str, Any]:
        """The settings of a Grounder. Raises TFGroundingError for options that are of no use without a vision LLM."""
        of_showing = {"view": self.view, "budget_frames": self.budget}
        of_server: dict[str, Any] = {
            "most_pictures": self.pictures,
            "timeout_seconds": self.timeout,
            "concurrency": self.concurrency,
        }
        if vlm is None:
            for option, value in zip(OPTIONS, (*of_showing.values(), *of_server.values()), strict=True):
                if value is not None:
                    raise TFGroundingError(
                        f"{option} is for a vision LLM, and none is named: add --vlm, or leave it out"
                    )
            return {}
        from ..vision.vlm import load_vlm

        given = any(value is not None for value in of_server.values())
        return of_showing | {"vlm": load_vlm(vlm, device=device, **of_server) if given else vlm}


def print_estimate(videos: Iterable[tuple[VideoInfo, int]], *, engine: str, as_json: bool, **settings: Any) -> None:
    """Print what queries would cost, without asking any; no video is decoded and no picture sent.

    Args:
        videos: (the video, how many queries about it).
        engine: its name.
        settings: of the engine that decide what it asks.
        as_json: whether the numbers are printed as JSON.
    """
    from ..engines.estimate import engine_to_estimate, estimate

    asked = engine_to_estimate(engine, **settings)
    parts = [estimate(asked, info, queries=queries) for info, queries in videos]
    if not parts:
        raise TFGroundingError("there is nothing to estimate: no video can be read")
    cost = sum(parts[1:], start=parts[0])
    if as_json:
        print(json.dumps(asdict(cost)))
        return
    how = "as measured by tfgrounding doctor" if cost.by_profile else "by the size of the pictures"
    print(f"queries     {cost.queries:,}")
    print(f"requests    {cost.requests:,} at most, more where a reply cannot be used")
    print(f"pictures    {cost.pictures:,} at most")
    print(f"tokens      about {cost.prompt_tokens:,} in, {how}, and {cost.completion_tokens:,} out")
    if cost.seconds is not None:
        print(f"seconds     about {cost.seconds:,.0f}, one request after the other")
    print("no picture was sent", file=sys.stderr)


def doctor_command(
    vlm: Annotated[str, typer.Option(help="NAME@URL of a served vision LLM, or local:FOLDER-OR-HUB-ID.")],
    view: Annotated[
        list[str] | None, typer.Option(help="Try this way to show time only; may be repeated. Default: all.")
    ] = None,
    requests: Annotated[int, typer.Option(min=1, help="Send at most this many requests.")] = 40,
    seconds: Annotated[float, typer.Option(min=1, help="Begin no request after this many seconds.")] = 300.0,
    pictures: Annotated[int, typer.Option(min=1, help="Try at most this many pictures in one request.")] = 64,
    price_in: Annotated[float | None, typer.Option(min=0, help="What a million tokens of requests cost.")] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="What a million tokens of replies cost.")] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the result for later runs.")] = True,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find out what a vision LLM sees and takes: pictures made here, with known times, are sent and asked about."""
    from ..vision.doctor import examine
    from ..vision.profiles import save_profile
    from ..vision.served import ServedVLM
    from ..vision.vlm import load_vlm

    if (price_in is None) != (price_out is None):
        raise TFGroundingError("--price-in and --price-out go together")
    model = load_vlm(vlm, device=device, use_profile=False)
    found = examine(
        model,
        views=view or (),
        most_requests=requests,
        most_seconds=seconds,
        most_pictures=pictures,
        report=lambda sentence: print(f"{sentence} ...", file=sys.stderr),
    )
    prices = None if price_in is None or price_out is None else (price_in, price_out)
    cost = _cost_of_a_query(found, prices)
    print(json.dumps({**asdict(found), "query": cost}) if as_json else _text(found, cost))
    if keep and isinstance(model, ServedVLM):
        path = save_profile(model.client.model, model.client.base_url, found.profile())
        print(f"kept for later runs in {path}", file=sys.stderr)


def _cost_of_a_query(found: Findings, prices: tuple[float, float] | None) -> dict[str, float | None]:
    """Tokens, seconds and money of one query over `QUERY_PICTURES` pictures, None where they are not known."""
    requests = -(-QUERY_PICTURES // max(1, found.most_pictures))
    tokens = (
        None if found.picture_tokens is None else QUERY_PICTURES * found.picture_tokens + requests * QUESTION_TOKENS
    )
    seconds = None
    if found.picture_seconds is not None and found.request_seconds is not None:
        seconds = QUERY_PICTURES * found.picture_seconds + requests * found.request_seconds
    price = None
    if tokens is not None and prices is not None:
        price = (tokens * prices[0] + requests * REPLY_TOKENS * prices[1]) / 1e6
    return {"pictures": QUERY_PICTURES, "requests": requests, "tokens": tokens, "seconds": seconds, "price": price}


def _text(found: Findings, cost: dict[str, float | None]) -> str:
    lines = [
        f"{found.model}: {found.requests} requests, {found.pictures} pictures, {found.seconds:.1f} s, "
        f"{found.prompt_tokens:,} + {found.completion_tokens:,} tokens",
        "",
        *(f"{label:<{LABEL}}{value}" for label, value in _facts(found)),
        "",
        f"{'view':<18}{'offset s':>10}{'scale':>8}{'spread s':>10}{'overlap':>9}{'usable':>8}{'says none':>11}",
        *map(_row, found.views),
        "",
        _recommendation(found),
        _cost_line(cost),
    ]
    if found.stopped:
        lines.append(f"not all was tried: {found.stopped}")
    return "\n".join(map(plain, lines))  # a server's words may hold what a terminal obeys


def _facts(found: Findings) -> list[tuple[str, str]]:
    pictures = f"{found.most_pictures}" + (f"; more are refused: {found.refusal}" if found.refusal else " or more")
    reads = f"{_yes(found.sees)}; its reply: {found.numbers_read!r}"
    if found.instead:
        reads, pictures = f"not known: no request was answered: {found.instead}", "not known"
    certainty = ""
    if found.yes is not None and found.no is not None:
        certainty = f"; P(yes) is {found.yes:.2f} where yes is right, {found.no:.2f} where no is"
    speed = "not known"
    if found.request_seconds is not None:
        speed = f"{found.request_seconds:.2f} s a request and {found.picture_seconds:.3f} s a picture in it"
    return [
        ("reads numbers on pictures", reads),
        ("pictures in one request", pictures),
        ("tokens of one picture", "not known" if found.picture_tokens is None else f"{found.picture_tokens:.0f}"),
        ("context", f"{found.context_tokens:,} tokens" if found.context_tokens else "not known"),
        ("streams replies", _yes(found.streams)),
        ("follows a JSON schema", _yes(found.takes_schema)),
        ("log-probabilities", _yes(found.gives_probability) + certainty),
        ("speed", speed),
    ]


def _row(one: ViewResult) -> str:
    if one.offset_seconds is None or one.scale is None or one.spread_seconds is None:
        line = f"{one.view:<18}{'-':>10}{'-':>8}{'-':>10}"
    else:
        line = f"{one.view:<18}{one.offset_seconds:>+10.2f}{one.scale:>8.3f}{one.spread_seconds:>10.2f}"
    if not one.asked:
        return f"{one.view:<18}not tried: {one.problem}"
    line += f"{one.iou:>9.2f}{f'{one.readable}/{one.asked}':>8}{_yes(one.says_none):>11}"
    return f"{line}  {one.problem}".rstrip()


def _recommendation(found: Findings) -> str:
    if found.recommended:
        return f"recommended: --view {found.recommended}"
    if not any(one.asked for one in found.views):
        return "no view is recommended: none was tried"
    return (
        "no view is recommended: what the model reads has too little to do with the true times; "
        "it does not see what is shown, or its server does not pass the pictures on"
    )


def _cost_line(cost: dict[str, float | None]) -> str:
    known = f"about {cost['tokens']:,.0f} tokens" if cost["tokens"] is not None else "tokens not known"
    if cost["seconds"] is not None:
        known += f", {cost['seconds']:.0f} s"
    if cost["price"] is not None:
        known += f", {cost['price']:.4f} of the currency of your prices"
    return f"one query over {cost['pictures']} pictures: {cost['requests']} requests, {known}"


def _yes(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
