"""Vision LLMs on the command line: the options that they take, and the command that examines one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TFGroundingError
from .terminal import Device, plain

if TYPE_CHECKING:
    from ..engines.estimate import Estimate
    from ..types import VideoInfo
    from ..vision.findings import Findings, ViewResult
    from ..vision.profiles import Profile

QUERY_PICTURES = 128  # for which the cost of one query is told: what numpro shows of a video at most
QUESTION_TOKENS, REPLY_TOKENS = 150, 40  # of a query
LABEL = 28  # characters
HIGHEST_PRICE = 1e9
LEAST_SCALE, MOST_SPREAD_SECONDS = 0.25, 4.0  # of times that have to do with the true ones
PROFILE_WORDS = {  # of what an earlier profile knew
    "most_pictures": "pictures in one request",
    "picture_tokens": "tokens of one picture",
    "context_tokens": "context",
    "request_seconds": "seconds of a request",
    "picture_seconds": "seconds of a picture",
    "takes_schema": "whether it follows a JSON schema",
    "gives_probability": "log-probabilities",
}
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
    print(f"queries     {cost.queries:,}")
    print("\n".join(cost_lines(cost)))
    print("no picture was sent", file=sys.stderr)


def cost_lines(cost: Estimate) -> list[str]:
    """Requests, pictures, tokens and, where it is known, seconds, a line each."""
    how = "as measured by tfgrounding doctor" if cost.by_profile else "by the size of the pictures"
    lines = [
        f"requests    {cost.requests:,} at most, more where a reply cannot be used",
        f"pictures    {cost.pictures:,} at most",
        f"tokens      about {cost.prompt_tokens:,} in, {how}, and {cost.completion_tokens:,} out",
    ]
    if cost.seconds is not None:
        lines.append(f"seconds     about {cost.seconds:,.0f}, one request after the other")
    return lines


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
    from ..vision.profiles import check_writable, find_profile, save_profile
    from ..vision.served import ServedVLM
    from ..vision.vlm import load_vlm

    if (price_in is None) != (price_out is None):
        raise TFGroundingError("--price-in and --price-out go together")
    if not all(price is None or 0 <= price <= HIGHEST_PRICE for price in (price_in, price_out)):
        raise TFGroundingError(f"--price-in and --price-out must be numbers from 0 to {HIGHEST_PRICE:.0f}")
    if not seconds >= 1:  # nor NaN
        raise TFGroundingError("--seconds must be a number from 1 on")
    model = load_vlm(vlm, device=device, use_profile=False)
    if keep and isinstance(model, ServedVLM):
        check_writable(model.client.model, model.client.base_url)
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
        of_model = model.client.model, model.client.base_url
        profile = found.profile(find_profile(*of_model))
        print(f"kept for later runs in {save_profile(*of_model, profile)}", file=sys.stderr)
        if unchanged := _unchanged(found.profile(), profile):
            print(f"not measured now, kept from the profile before: {', '.join(unchanged)}", file=sys.stderr)


def _unchanged(measured: Profile, kept: Profile) -> list[str]:
    """What is kept that was not measured now, in words."""
    names = [one.name for one in fields(kept) if getattr(measured, one.name) != getattr(kept, one.name)]
    return [f"the view {kept.view}" if name == "view" else PROFILE_WORDS[name] for name in names]


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
        f"{found.model}: {_counted(found.requests, 'request')}, {_counted(found.pictures, 'picture')}, "
        f"{found.seconds:.1f} s, "
        f"{found.prompt_tokens:,} + {found.completion_tokens:,} tokens",
        "",
        *(f"{label:<{LABEL}}{value}" for label, value in _facts(found)),
        "",
        f"{'view':<18}{'offset s':>10}{'scale':>8}{'spread s':>10}{'overlap':>9}{'usable':>8}{'says none':>11}",
        *map(_row, found.views),
        "",
        _recommendation(found),
        *([_cost_line(cost)] if found.most_pictures else []),
    ]
    if found.stopped:
        lines.append(f"not all was tried: {found.stopped}")
    return "\n".join(map(plain, lines))  # a server's words may hold what a terminal obeys


def _facts(found: Findings) -> list[tuple[str, str]]:
    pictures = "not known"
    if found.refusal:
        pictures = f"{found.most_pictures}; more are refused: {found.refusal}"
    elif found.own_limit:
        pictures = f"{found.most_pictures} or more; no more were sent: {found.own_limit}"
    elif found.most_pictures:
        pictures = f"{found.most_pictures} or more"
    streams = {None: "not known", True: "yes, in events", False: "no, each reply came as one body"}[found.streams]
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
        ("streams replies", streams),
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
    from ..vision.doctor import LEAST_CLOCK_FRAMES

    if found.recommended:
        return f"recommended: --view {found.recommended}"
    none = "no view is recommended:"
    if not any(one.asked for one in found.views):
        if 0 < found.most_pictures < LEAST_CLOCK_FRAMES and found.refusal:
            return (
                f"{none} one request holds too few pictures to try one, {found.most_pictures} of {LEAST_CLOCK_FRAMES}"
            )
        return f"{none} none was tried"
    off = [
        (one.spread_seconds, f"with an offset of {one.offset_seconds:+.1f} s and a scale of {one.scale:.2f}", one.view)
        for one in found.views
        if one.offset_seconds is not None and one.scale is not None and one.spread_seconds is not None
        if abs(one.scale) >= LEAST_SCALE and one.spread_seconds <= MOST_SPREAD_SECONDS
    ]
    if off:
        _, how, view = min(off)
        return f"{none} the model sees what is shown, but reads times {how} ({view})"
    if found.sees:
        return f"{none} the model reads numbers on pictures, but the times that it says are not those shown"
    return f"{none} the model does not see what is shown, or its server does not pass the pictures on"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cost_line(cost: dict[str, float | None]) -> str:
    known = f"about {cost['tokens']:,.0f} tokens" if cost["tokens"] is not None else "tokens not known"
    if cost["seconds"] is not None:
        known += f", {cost['seconds']:.0f} s"
    if cost["price"] is not None:
        known += f", {cost['price']:.4f} of the currency of your prices"
    return f"one query over {cost['pictures']} pictures: {_counted(int(cost['requests'] or 0), 'request')}, {known}"


def _yes(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
