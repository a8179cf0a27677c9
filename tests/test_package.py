import subprocess
import sys
import time
from importlib import import_module

import pytest

import tfgrounding

LOOK = """
import time; begin = time.perf_counter()
import sys, tfgrounding
print(time.perf_counter() - begin)
print(*[name for name in ("torch", "transformers", "numba", "matplotlib") if name in sys.modules])
"""


def test_import_is_quick_and_loads_nothing_heavy():
    runs = []
    for _ in range(3):
        out = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout
        seconds, heavy = out.split("\n")[:2]
        assert heavy == ""
        runs.append(float(seconds))
    assert min(runs) < 0.2


def test_every_public_name_resolves():
    for name in tfgrounding.__all__:
        assert getattr(tfgrounding, name) is not None
    assert list(tfgrounding.__all__) == sorted(tfgrounding.__all__)


def test_ground_stays_a_function_after_its_module_was_imported():
    import tfgrounding.engines.grounder as room  # noqa: F401

    assert callable(tfgrounding.ground)


def test_unknown_name_is_an_attribute_error():
    begin = time.perf_counter()
    try:
        tfgrounding.no_such_name  # noqa: B018
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("an unknown name was found")
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("earlier", sorted(tfgrounding._MOVED))
def test_modules_are_found_under_their_earlier_names(earlier):
    import_module(f"tfgrounding.{earlier}")
