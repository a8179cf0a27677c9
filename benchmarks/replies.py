"""How the reader of replies does on replies of real models and in their manners: right, wrong, refused.

    python benchmarks/replies.py [--answers ../shared/answers]

"forms": 97 replies in the manners of today's models, each with its right readings; "refused" counts those that need not
be. "seconds" and "three_hundredths": raw replies of two real models, each with exactly two numbers outside quoted
parts, which are its start and end. Every wrong reading and every needless refusal is printed. Exits with 1 if one is
wrong, if more than 5 % of the forms are refused, or more than 1 % of the raw replies.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tfgrounding.errors import ModelError
from tfgrounding.vision import read_reply

REFUSED, ABSENT = "refuse", "absent"
MOST_REFUSED = {"forms": 0.05, "seconds": 0.01, "three_hundredths": 0.01}


def forms(folder: Path) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for line in (folder / "forms.jsonl").read_text(encoding="utf-8").splitlines():
        form = json.loads(line)
        yield form["reply"], {"unit": form["unit"]}, form["right"]


def raw(path: Path, **asked: Any) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            reply = json.loads(line)["reply"]
            numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", re.sub(r'event "[^"]*"', "", reply))]
            yield reply, asked, [[numbers]] if len(numbers) == 2 else [REFUSED]


def read(reply: str, asked: dict[str, Any]) -> Any:
    try:
        times = read_reply(reply, **asked)
    except ModelError:
        return REFUSED
    return ABSENT if times.absent else times.intervals


def is_same(found: Any, right: Any) -> bool:
    if isinstance(found, str) or isinstance(right, str):
        return bool(found == right)
    ends = {"end": math.inf, "-inf": -math.inf}
    edges = [ends.get(edge, edge) for pair in right for edge in pair]
    return len(found) == len(right) and [edge for pair in found for edge in pair] == edges


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, default=Path("../shared/answers"))
    folder = parser.parse_args().answers
    sets = {
        "forms": forms(folder),
        "seconds": raw(folder / "seconds.jsonl.gz", unit="second"),
        "three_hundredths": raw(folder / "three_hundredths.jsonl.gz", unit="step", steps=300),
    }
    failed = False
    for name, replies in sets.items():
        count = wrong = refused = 0
        started = time.perf_counter()
        for reply, asked, right in replies:
            found = read(reply, asked)
            count += 1
            if not any(is_same(found, reading) for reading in right):
                refused += found == REFUSED
                wrong += found != REFUSED
                print(f"{'refused' if found == REFUSED else 'WRONG'}: {reply!r} read as {found}, right: {right}")
        each = 1000 * (time.perf_counter() - started) / count
        right_share = f"{count - wrong - refused} right, {wrong} wrong, {refused} refused that need not be"
        print(f"{name}: {count} replies, {right_share}; {each:.2f} ms each")
        failed |= wrong > 0 or refused > MOST_REFUSED[name] * count
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
