"""The command that shows which encoders there are: on this machine, and how to get the others."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Device, Dtype

if TYPE_CHECKING:
    from ..encoders.known import KnownEncoder, Speed

HEADINGS = ("encoder", "here", "download", "licence")
NARROWEST_TEXT = 24


def encoders_command(
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure the speed of those that are here: seconds for each.")
    ] = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show which encoders are on this machine, and how to get the others; nothing is downloaded."""
    from ..encoders.base import resolve_device, resolve_dtype
    from ..encoders.known import known_encoders
    from ..encoders.load import BEST_FIRST, BEST_FIRST_ON_CUDA

    device = resolve_device(device)
    resolve_dtype(dtype, device)
    known = known_encoders()
    speeds: dict[str, Speed] = {}
    for one in known if speed else ():
        if one.is_here and one.download_mb is not None and (measured := _speed(one.name, device, dtype)):
            speeds[one.name] = measured
    if as_json:
        rows = [asdict(one) | ({"speed": asdict(speeds[one.name])} if one.name in speeds else {}) for one in known]
        print(json.dumps({"device": device, "encoders": rows}))
        return
    print(_table(known, speeds, device, shutil.get_terminal_size().columns))
    order = BEST_FIRST_ON_CUDA if device.startswith("cuda") else BEST_FIRST
    print()
    for sentence in ("-: depends on what is named.", f"auto: the first of {', '.join(order)} here, else embedded."):
        print(sentence)


def _speed(name: str, device: str, dtype: str) -> Speed | None:
    """The speed of a usual encoder; None, with a line on stderr, where it cannot be loaded or run."""
    from ..encoders import load_encoder
    from ..encoders.known import measured_speed
    from ..errors import EncoderError

    try:
        return measured_speed(load_encoder(name, device=device, dtype=dtype))
    except EncoderError as error:
        print(f"warning: the speed of {name} could not be measured: {error}", file=sys.stderr)
        return None


def _table(known: list[KnownEncoder], speeds: dict[str, Speed], device: str, columns: int) -> str:
    """Columns, the last of which takes the rest of the line and wraps."""
    rows = [(one.name, _here(one), _size(one.download_mb), one.licence) for one in known]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    width = max(NARROWEST_TEXT, columns - sum(widths) - 2 * len(widths))
    lines = [_line((*HEADINGS, "what it is, and how to get it"), widths)]
    for one, row in zip(known, rows, strict=True):
        texts = [one.about]
        if one.problem:
            texts.append(f"here in part: {one.problem}")
        if not one.is_here:
            texts.append(one.how_to_get)
        if one.name in speeds:
            speed = speeds[one.name]
            texts.append(f"on {device}: {speed.frames_per_second:.3g} frames/s, {speed.texts_per_second:.3g} texts/s")
        wrapped = [line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False)]
        lines += [_line((*row, wrapped[0]), widths), *(_line(("", "", "", "", rest), widths) for rest in wrapped[1:])]
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)), cells[-1]]).rstrip()


def _here(one: KnownEncoder) -> str:
    return "-" if one.is_here is None else "yes" if one.is_here else "part" if one.problem else "no"


def _size(megabytes: int | None) -> str:
    if megabytes is None:
        return "-"
    return f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"
