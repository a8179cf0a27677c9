import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from videos import BLUE, RED, make_pictures, make_scenes

from tfgrounding.cli import app as cli
from tfgrounding.registry import ROWS
from tfgrounding.show.exports.common import clock


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return str(make_scenes(tmp_path_factory.mktemp("cli") / "Straße 1.mp4", [(2.0, RED), (2.0, BLUE)]))


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")


def test_moments_on_stdout(run, video):
    code, out, err = run("ground", video, "blue", "--encoder", "colours", "--localizer", "max-sum", "--top-k", "1")
    assert code == 0 and "warning" not in err
    first = next(line for line in out.splitlines() if line.startswith(" 1  "))
    assert first.split()[:4] == ["1", "0:02.0", "-", "0:04.0"] and float(first.split()[-1]) > 0


def test_json_on_stdout(run, video):
    code, out, _ = run(
        "ground", video, "blue", "--encoder", "colours", "--json", "--rate", "2", "--localizer", "max-sum"
    )
    told = json.loads(out)
    assert code == 0 and told["moments"][0]["start_seconds"] == pytest.approx(2.0, abs=0.3)
    assert len(told["curve"]) == 8 and len(told["moments"]) >= 1


def test_nothing_found_is_an_answer_with_its_reason(run, video):
    code, out, err = run("ground", video, "blue", "--encoder", "colours", "--threshold", "1e9")
    assert code == 0 and out == "" and "nothing found: the best moment scores" in err


@pytest.mark.parametrize(
    "options",
    [
        *(("ground", "--save", "{video}"), ("export", "-o", "{video}"), ("export", "--format", "srt", "-o", "{link}")),
        *(("report", "-o", "{video}"), ("report", "-o", "{new}", "--png", "{video}")),
    ],
)
def test_the_video_is_never_overwritten(run, video, tmp_path, options):
    copy, link = tmp_path / "v.mp4", tmp_path / "link.srt"
    copy.write_bytes(before := Path(video).read_bytes())
    link.symlink_to(copy)
    command, *rest = (part.format(video=copy, link=link, new=tmp_path / "new.html") for part in options)
    code, _, err = run(command, str(copy), "blue", *rest, "--encoder", "colours")
    assert code == 2 and "this file is being read" in err and copy.read_bytes() == before
    assert not (tmp_path / "new.html").exists()


def test_nor_are_pictures_or_answers_or_their_video(run, video, tmp_path):
    copy, saved, pictures = tmp_path / "v.mp4", tmp_path / "a.json", make_pictures(tmp_path / "p", 4)
    copy.write_bytes(before := Path(video).read_bytes())
    assert run("ground", str(copy), "blue", "--encoder", "colours", "--save", str(saved))[0] == 0
    answers, picture = saved.read_bytes(), pictures[0].read_bytes()
    options = ("blue", "--encoder", "colours", "--picture-rate", "2", "--save", str(pictures[0]))
    for arguments in (
        ("ground", str(pictures[0].parent), *options),
        ("export", str(saved), "-o", str(saved)),
        ("export", str(saved), "-o", str(copy)),
        ("report", str(saved), "-o", str(copy)),
    ):
        code, _, err = run(*arguments)
        assert code == 2 and "this file is being read" in err
    assert (copy.read_bytes(), saved.read_bytes(), pictures[0].read_bytes()) == (before, answers, picture)


def test_options_and_a_file_of_answers(run, video, tmp_path):
    saved = str(tmp_path / "a.json")
    assert run("ground", video, "blue", "--encoder", "colours", "--save", saved, "--localizer", "tfvtg")[0] == 0
    assert run("export", saved, "--format", "csv")[1].count("\n") > 2
    assert run("export", saved, "--format", "csv", "--top-k", "1")[1].count("\n") == 2
    code, out, err = run("export", saved, "--encoder", "embedded", "--rate", "2")
    assert code == 2 and out == "" and "leave --encoder, --rate out" in err


def test_ctrl_c_keeps_what_was_printed_though_a_thread_goes_on(video, tmp_path):
    (tmp_path / "waiting.py").write_text(
        "import threading, time\n"
        "from conftest import ColourEncoder\n"
        "class Waiting(ColourEncoder):\n"
        "    def encode_frames(self, pixels):\n"
        "        if self.seen > 11:\n"
        "            threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "            open('waits', 'w').close()\n"
        "            time.sleep(60)\n"
        "        self.seen += len(pixels)\n"
        "        return super().encode_frames(pixels)\n"
        "    seen = 0\n"
    )
    places = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(cli.__file__).parents[2])])
    other = make_scenes(tmp_path / "other.mp4", [(2.0, BLUE), (2.0, RED)])
    run = subprocess.Popen(
        [sys.executable, "-m", "tfgrounding", "encode", video, other, "--encoder", "waiting:Waiting"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": places, "PYTHONUNBUFFERED": "", "TFGROUNDING_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "waits").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130 and err == "tfgrounding: stopped\n"
    assert out.count("\n") == 1 and video in out


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_standard_streams(video, closed, tmp_path):
    command = f'exec "{sys.executable}" -m tfgrounding info "$1" {closed}'
    done = subprocess.run(["sh", "-c", command, "sh", video], capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr + done.stdout
    assert ("duration" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))
    missing = subprocess.run(["sh", "-c", command, "sh", str(tmp_path / "none.mp4")], capture_output=True, text=True)
    assert missing.returncode == 2 and "Traceback" not in missing.stderr + missing.stdout


def test_a_terminal_obeys_nothing_in_a_warning(run, video, monkeypatch):
    monkeypatch.setattr("conftest.ColourEncoder.warnings", ("bad \x1b[31m\nthing",), raising=False)
    code, _, err = run("ground", video, "blue", "--encoder", "colours")
    assert code == 0 and "warning: bad  [31m thing\n" in err and "\x1b" not in err


def test_info(run, video):
    code, out, _ = run("info", video)
    assert code == 0 and "00:00:04.000" in out and "h264" in out
    code, out, _ = run("info", video, "--json")
    assert json.loads(out)["duration_seconds"] == pytest.approx(4.0, abs=0.01)


def test_a_folder_of_pictures_with_its_rate_is_a_video(run, tmp_path):
    folder = str(make_pictures(tmp_path / "p", 8)[0].parent)
    code, out, _ = run("info", folder, "--picture-rate", "2")
    assert code == 0 and "00:00:04.000" in out
    code, out, _ = run("ground", folder, "blue", "--picture-rate", "2", "--encoder", "colours", "--json")
    assert code == 0 and json.loads(out)["video"]["duration_seconds"] == pytest.approx(4.0)
    code, out, err = run("ground", folder, "blue", "--encoder", "colours")
    assert code == 2 and out == "" and "--picture-rate" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ground", "missing.mp4", "blue"), "no such file"),
        (("ground", "{video}", ""), "the query is empty"),
        (("ground", "{video}", "blue", "--encoder", "magic"), "encoder 'magic' is not known"),
        (("ground", "{video}", "blue", "--encoder", "colours", "--localizer", "magic"), "localizer 'magic'"),
        (("ground", "{video}", "blue", "--encoder", "colours", "--rate", "0"), "sampling rate must be a number of"),
        (("ground", "{video}", "blue", "--encoder", "colours", "--rate", "nan"), "sampling rate must be a number of"),
        (("ground", "{video}", "blue", "--encoder", "colours", "--dtype", "float16"), "takes no dtype"),
        (("ground", "{video}", "blue", "--dtype", "int8"), "dtype 'int8' is not known; choose auto, float32"),
        (("export", "{video}", "blue", "--dtype", "int8"), "dtype 'int8' is not known; choose auto, float32"),
        (("report", "{video}", "blue", "--dtype", "int8"), "dtype 'int8' is not known; choose auto, float32"),
        (("encode", "{video}", "--dtype", "int8"), "dtype 'int8' is not known; choose auto, float32"),
        (("ground", "{video}", "blue", "--top-k", "0"), "--top-k"),
        (("ground", "{video}", "blue", "--threshold", "nan"), "--threshold must be a number"),
        (("ground", "{video}"), "a QUERY is missing"),
        (("ground",), "(see tfgrounding ground --help)"),
        (("ground", "a parked bicycle"), "a VIDEO and a QUERY are needed"),
        (("ground", "{video}", "blue", "--least-present", "2"), "--least-present must be a probability"),
        (("export", "{video}", "blue", "--threshold", "nan"), "--threshold must be a number"),
        (("info",), "Missing argument 'video' (see tfgrounding info --help)"),
        (("no-such-command",), "No such command"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_2(run, video, arguments, says):
    code, out, err = run(*(argument.replace("{video}", video) for argument in arguments))
    assert code == 2 and out == ""
    assert says in err and err.count("\n") == 1


def test_every_command_with_a_device_has_a_precision():
    from typer.main import get_command

    from tfgrounding.cli.app import app

    options = {name: {option.name for option in one.params} for name, one in get_command(app).commands.items()}
    with_device = {name for name, named in options.items() if "device" in named} - {
        "doctor",
        "caption",
    }  # they have no encoder
    assert with_device == {name for name, named in options.items() if "dtype" in named}
    assert {"ground", "encode", "report", "export", "mcp", "eval", "needle"} <= with_device


def test_our_fault_is_one_line_and_exit_1(run, video, monkeypatch):
    def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr("tfgrounding.engines.curves.similarity_curves", broken)
    code, _, err = run("ground", video, "blue", "--encoder", "colours")
    assert code == 1 and "internal error: RuntimeError: boom" in err and err.count("\n") == 1


def test_clock_carries():
    assert clock(3599.9996) == "01:00:00.000"
    assert clock(0.0004) == "00:00:00.000"


def test_export_writes_a_format_and_clips(run, video, tmp_path):
    code, out, err = run("export", video, "blue", "red", "--encoder", "colours", "--format", "srt", "--top-k", "1")
    assert code == 0 and "warning" not in err and out.startswith("1\n00:00:00,000 --> 00:00:0")
    written = tmp_path / "new" / "moments.csv"
    code, out, err = run(
        *("export", video, "blue", "--encoder", "colours", "--format", "csv", "--top-k", "1"),
        *("-o", str(written), "--clips", str(tmp_path / "clips")),
    )
    assert (code, out) == (0, ""), err
    assert len(written.read_text().splitlines()) == 2
    (clip,) = (tmp_path / "clips").iterdir()
    assert clip.name.startswith("01_Straße 1_") and clip.name.endswith("-4.000.mp4") and str(clip) in err


def test_report_writes_a_page_and_figures(run, video, tmp_path):
    page, png, svg = tmp_path / "r.html", tmp_path / "f.png", tmp_path / "f.svg"
    code, out, _ = run(
        *("report", video, "blue", "red", "--encoder", "colours", "-o", str(page), "--png", str(png), "--svg", str(svg))
    )
    assert code == 0 and out == ""
    assert page.read_text().startswith("<!doctype html>") and "s for 4.0 s of video" in page.read_text()
    assert png.read_bytes().startswith(b"\x89PNG") and "<svg" in svg.read_text()
    assert "probably not in this video" in page.read_text()
    assert run("report", video, "blue", "--encoder", "colours", "-o", str(page), "--least-present", "0")[0] == 0
    assert "probably not in this video" not in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "VIDEO", "blue", "--format", "xml"), "choose one of csv, edl, json, jsonl, otio, srt, vtt"),
        (("export", "VIDEO", "  "), "query is empty"),
        (("report", "missing.mp4", "blue"), "no such file"),
        (("report", "VIDEO", "blue", "--encoder", "colours", "-o", "/proc/none/r.html"), "cannot be written"),
        (("mcp", "--root", "no/such/folder"), "no such folder"),
    ],
)
def test_what_the_user_can_mend_in_exports_reports_and_servers(run, video, arguments, says):
    code, out, err = run(*(video if argument == "VIDEO" else argument for argument in arguments))
    assert code == 2 and out == "" and says in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("tfgrounding gro", "ground"), ("tfgrounding ground v.mp4 blue --localizer max", "max-sum")],
)
def test_bash_completes_commands_and_names(typed, offered):
    done = subprocess.run(
        [sys.executable, "-c", "from tfgrounding.cli import main; main()"],
        env={
            **os.environ,
            "_TFGROUNDING_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [offered] and done.stderr == ""


def test_bash_reads_the_script_that_is_shown():
    shown = subprocess.run(
        [sys.executable, "-c", "from tfgrounding.cli import main; main()"],
        env={**os.environ, "_TFGROUNDING_COMPLETE": "source_bash"},
        capture_output=True,
        text=True,
    )
    script = shown.stdout + "\ncomplete -p tfgrounding\n"
    read = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert read.returncode == 0 and "tfgrounding" in read.stdout, read.stderr


def test_help_lists_what_can_be_chosen(run):
    code, out, _ = run("ground", "--help")
    words = set(out.replace(",", " ").replace(";", " ").split())
    assert code == 0 and {"siglip", "languagebind", "max-sum", "tfvtg-reference", "rules", "cascade"} <= words
