import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from videos import BLUE, RED, make_pictures, make_scenes

from tfgrounding.errors import DatasetError
from tfgrounding.evaluation.compare import compare
from tfgrounding.evaluation.results import read_results
from tfgrounding.show.compare_page import write_page


def make_rows(gain, *, queries=60, seed=0):
    """Rows whose top answer overlaps the truth more with a larger gain; two queries a video."""
    random = np.random.default_rng(seed)
    rows = {}
    for k in range(queries):
        start, length = float(random.uniform(0, 20)), float(random.uniform(2, 12))
        miss = float(np.clip(random.normal(0.5 - gain, 0.1), 0, 1)) * length
        rows[k] = {
            "qid": k,
            "vid": f"video {k // 2}",
            "query": f"query <{k}> & more",
            "duration": 25.0 if k % 3 else 200.0,
            "relation": "sequentially" if k % 2 else "",
            "relevant_windows": [[start, start + length]],
            "pred_relevant_windows": [[start + miss, start + length + miss, 1.0]],
        }
    return rows


def test_a_better_run_is_seen_to_be_better():
    a, b = make_rows(0.0), make_rows(0.3)
    found = compare(a, b, names=("old", "new"))
    line = found.overall["mIoU"]
    assert line.second > line.first and line.paired.low > 0 and line.paired.p_value < 0.01
    assert line.paired.difference * 100 == pytest.approx(line.second - line.first)
    assert found.worst == () and "old" in found.text()
    back = compare(b, a)
    assert back.overall["mIoU"].paired.difference == pytest.approx(-line.paired.difference)
    losses = [one.second_iou - one.first_iou for one in back.worst]
    assert len(losses) == 20 and losses == sorted(losses) and losses[-1] < 0


def test_groups_add_up_to_the_whole():
    found = compare(make_rows(0.0), make_rows(0.1, seed=1) | make_rows(0.1))
    assert set(found.groups) == {"duration", "moment length", "relation"}
    for group in found.groups.values():
        assert sum(line.paired.queries for line in group.values()) == 60
        total = sum(line.paired.difference * line.paired.queries for line in group.values())
        assert total / 60 == pytest.approx(found.overall["mIoU"].paired.difference)
    assert list(found.groups["duration"]) == ["0-30 s", "120-300 s"]
    assert list(found.groups["relation"]) == ["sequentially", "unknown"]
    assert list(found.groups["moment length"]) == ["0-3 s", "3-6 s", "6-10 s", "10-30 s"]


def test_queries_of_one_run_only_are_counted_and_left_out():
    a, b = make_rows(0.0), make_rows(0.3)
    for qid in range(10):
        a.pop(qid)
    found = compare(a, b)
    assert (found.only_first, found.only_second) == (0, 10) and found.overall["mIoU"].paired.queries == 50
    assert "10 only in B" in found.text()


def test_runs_that_cannot_be_compared_are_refused():
    rows = make_rows(0.0)
    with pytest.raises(DatasetError, match="no query in common"):
        compare(rows, {})
    with pytest.raises(DatasetError, match="different data"):
        compare(rows, make_rows(0.0, seed=5))


def test_results_of_a_file_are_compared(tmp_path):
    for name, gain in (("a", 0.0), ("b", 0.2)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in make_rows(gain).values()))
    found = compare(*(read_results(tmp_path / f"{name}.jsonl") for name in "ab"))
    assert json.loads(json.dumps(found.to_dict()))["overall"]["mIoU"]["paired"]["queries"] == 60
    (tmp_path / "a.jsonl").write_text("{}\n")
    with pytest.raises(DatasetError, match=r"a\.jsonl:1"):
        read_results(tmp_path / "a.jsonl")


class _Checker(HTMLParser):
    """Every tag that is opened is closed, and nothing is fetched from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.images, self.links = [], 0, []

    def handle_starttag(self, tag, attrs):
        if tag not in ("img", "meta", "link", "br"):
            self.open.append(tag)
        self.images += tag == "img"
        self.links += [value for key, value in attrs if key in ("src", "href") and not value.startswith("data:")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_draws_the_worst_with_pictures(tmp_path):
    make_scenes(tmp_path / "video 0.mp4", [(2.0, RED), (2.0, BLUE)])
    (tmp_path / "video 1.mp4").write_bytes(b"no video")
    make_pictures(tmp_path / "video 2", 4)
    found = compare(make_rows(0.3, queries=6), make_rows(0.0, queries=6))
    write_page(tmp_path / "page.html", found, videos=tmp_path)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    checker = _Checker()
    checker.feed(page)
    assert checker.open == [] and set(checker.links) == {"video%200.mp4"} and checker.images == 8 * 2
    assert checker.links.count("video%200.mp4") == page.count("<video ") == 2
    assert page.count("no pictures") == 4 and "query &lt;0&gt; &amp; more" in page and "<0>" not in page
    assert "--picture-rate" in page  # video 2 is a folder of pictures
    for left, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", page):
        assert float(left) >= 0 and float(left) + float(width) <= 100.01
    write_page(tmp_path / "page.html", found, videos=tmp_path, picture_rate_hz=1.0)
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("no pictures") == 2


def test_the_page_shows_words_times_and_how_sure_each_run_is(tmp_path):
    make_scenes(tmp_path / "video 0.mp4", [(2.0, RED), (2.0, BLUE)])
    first, second = make_rows(0.3, queries=2), make_rows(0.0, queries=2)
    words = {"track": "said", "start_seconds": 0.5, "end_seconds": 1.0, "text": "<script>x</script> hello"}
    for row in first.values():
        row.update(present=0.75, pred_evidence=[words], duration=4.0, relevant_windows=[[1, 2]])
        row.update(pred_relevant_windows=[[1, 2, 1.0]])
    for row in second.values():
        row.update(duration=4.0, relevant_windows=[[1, 2]], pred_relevant_windows=[[2.5, 3, 1.0]])
    found = compare(first, second)
    write_page(tmp_path / "page.html", found, videos=tmp_path)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "IoU 1.00, present 0.75" in page and "0:02.5 to 0:03.0" in page
    assert "&lt;script&gt;x&lt;/script&gt; hello" in page and page.count("<script>") == 1
    assert "said 0:00.5 to 0:01.0" in page and "data-start='2.500000'" in page
    for damage in ([1], [{"track": "said"}], [words | {"track": "smelt"}], 7, [words | {"text": 3}]):
        for row in first.values():
            row["pred_evidence"] = damage
        with pytest.raises(DatasetError, match="pred_evidence"):
            write_page(tmp_path / "page.html", compare(first, second))
