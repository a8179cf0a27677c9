"""From names to implementations: this package's, plug-ins', and those of the user's own modules."""

import sys

import pytest

from tfgrounding.errors import EncoderError, TFGroundingError
from tfgrounding.registry import ROWS, find, make, names

MODULE = """
import sys

class Located:
    name = "mine"
    def __init__(self, choice="none", *, stride_frames=7):
        self.choice, self.stride_frames = choice, stride_frames
    def locate(self, curves):
        return curves

class Incomplete:
    name = "incomplete"

class Greedy(Located):
    def __init__(self, needed):
        pass

class Broken(Located):
    def __init__(self):
        raise OSError("weights are\\nmissing")

class Leaving(Located):
    def __init__(self):
        raise SystemExit(7)

class Colourful(Located):
    def __init__(self):
        raise ValueError("\\x1b[31mred\\a")

class Anything(Located):
    def __init__(self, **options):
        self.options = options

ready = Located("ready")
number = 7
"""
NEEDS = ("name", "locate")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with modules of the user's own; what they leave behind is undone."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_module.py").write_text(MODULE)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if name.startswith(("own_", "plug_")):
            del sys.modules[name]


@pytest.fixture
def plugin(here):
    """An installed plug-in: a package with entry points, as pip leaves it on the path."""
    site = here / "site"
    about = site / "plug_in-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    points = ["plug = plug_in:Located", "default = plug_in:Incomplete", "gone = plug_gone:X", "ready = plug_in:ready"]
    (about / "entry_points.txt").write_text("[tfgrounding.localizers]\n" + "\n".join(points) + "\n")
    (site / "plug_in.py").write_text(MODULE)
    sys.path.append(str(site))


def test_every_name_of_this_package_is_there():
    for kind in ("encoders", "localizers"):
        for name in ROWS[kind]:
            assert isinstance(find(kind, name)[0], type)
    assert find("encoders", "clip:some/where@1:2") == (find("encoders", "clip")[0], "some/where@1:2")


def test_a_module_in_the_current_folder_is_found(here):
    made = make("localizers", "own_module:Located", needs=NEEDS, stride_frames=3, other=1)
    assert (made.name, made.choice, made.stride_frames) == ("mine", "none", 3)
    assert make("localizers", "own_module:Located:a:b", needs=NEEDS).choice == "a:b"
    assert make("localizers", "own_module:Anything", needs=NEEDS, other=1).options == {"other": 1}
    assert make("localizers", "own_module:ready", needs=NEEDS).choice == "ready"


def test_a_class_and_a_ready_object_need_no_name(here):
    cls = find("localizers", "own_module:Located")[0]
    assert make("localizers", cls, needs=NEEDS, stride_frames=3).stride_frames == 3
    ready = cls("x")
    assert make("localizers", ready, needs=NEEDS, stride_frames=3) is ready


def test_a_plug_in_is_found_by_its_entry_point_but_replaces_nothing(plugin):
    assert make("localizers", "plug", needs=NEEDS).choice == "none"
    assert make("localizers", "plug:choice", needs=NEEDS).choice == "choice"
    assert make("localizers", "ready", needs=NEEDS).choice == "ready"
    assert make("localizers", "default", needs=NEEDS).name == "default"
    assert set(names("localizers")) == {*ROWS["localizers"], "plug", "gone", "ready"}
    with pytest.raises(TFGroundingError, match=r"choose one of .*default, gone, .*plug, .*tfvtg.*module:Class"):
        find("localizers", "nosuch")
    with pytest.raises(TFGroundingError, match=r"localizer 'gone' cannot be imported: .*plug_gone"):
        find("localizers", "gone")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nosuch", "'nosuch' is not known; choose auto or one of default, max-sum, tag, tfvtg, tfvtg-reference"),
        ("", "'' is not known; choose"),
        (":", "':' is not known; choose"),
        ("own_module", "is not known; choose"),
        ("own_module:", "is not known; choose"),
        ("no_such_module:Class", "is not known; choose"),
        ("no.such.module:Class", "is not known; choose"),
        ("../own_module:Located", "is not known; choose"),
        ("own_module:Located()", "is not known; choose"),
        ("own module:Located", "is not known; choose"),
        ("own_module\n:Located", "is not known; choose"),
        ("\0:x", "is not known; choose"),
        ("x" * 100_000, "xxx...' is not known; choose"),
        ("own_module:Nosuch", "cannot be imported: AttributeError: module 'own_module' has no attribute 'Nosuch'"),
        ("own_module:Incomplete", "'own_module:Incomplete' has no locate"),
        ("own_module:number", "'own_module:number' has no name, locate"),
        ("own_module:sys.exit", "'own_module:sys.exit' has no name, locate"),
        ("own_module:Greedy", "cannot be made from its name alone: missing a required argument: 'needed'"),
        ("own_module:Broken", "'own_module:Broken' cannot be made: OSError: weights are missing"),
        ("own_module:Leaving", "'own_module:Leaving' cannot be made: SystemExit: 7"),
        ("own_module:Colourful", "'own_module:Colourful' cannot be made: ValueError: [31mred"),
        ("own_module:Broken:choice", "has no choices: leave out 'choice'"),
        ("own_module:ready:choice", "has no choices: leave out 'choice'"),
        ("max-sum:choice", "has no choices: leave out 'choice'"),
        ("default:choice", "has no choices: leave out 'choice'"),
        ("tfvtg:20", "has no choices: leave out '20'"),
        ("own_syntax:X", "cannot be imported: SyntaxError: "),
        ("own_import:X", "cannot be imported: ModuleNotFoundError: No module named 'nothing_there'"),
        ("own_raises:X", "cannot be imported: ZeroDivisionError: division by zero"),
        ("own_exits:X", "cannot be imported: SystemExit: 3"),
        (None, "localizer NoneType has no name, locate"),
        (7, "localizer int has no name, locate"),
    ],
)
def test_what_cannot_be_used_is_one_clear_sentence(here, given, says):
    (here / "own_syntax.py").write_text("def (")
    (here / "own_import.py").write_text("import nothing_there")
    (here / "own_raises.py").write_text("1 / 0")
    (here / "own_exits.py").write_text("raise SystemExit(3)")
    with pytest.raises(EncoderError) as error:
        make("localizers", given, needs=NEEDS, also=("auto",), error=EncoderError)
    assert says in str(error.value) and str(error.value).isprintable() and len(str(error.value)) < 600


def test_a_current_folder_that_was_deleted_is_no_reason_to_fail(here, monkeypatch):
    def gone():
        raise FileNotFoundError

    monkeypatch.setattr("os.getcwd", gone)
    with pytest.raises(TFGroundingError, match="not known"):
        find("localizers", "own_nothing:X")
