# Each target sets up .venv where needed; the second time it starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test bench trust check lock clean chromium

demo: $(VENV)/runtime ## make, record and publish a simulated outbreak, and explain one figure
	$(BIN)/tallybook demo demo

test: $(VENV)/dev chromium ## run the tests and the examples in the documentation
	$(BIN)/python -m pytest

chromium: ## the browser that the tests of the site drive: Debian's, where it can be installed
	@command -v chromium > /dev/null || { apt-get update && apt-get install --yes chromium; } > /dev/null 2>&1 \
	  || echo "no chromium, and it cannot be installed here: the tests of the site are skipped" >&2

check: $(VENV)/dev ## format, lint, types, imports between rooms
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev $(VENV)/delphi/bin/python ## speed as ratios to the floor, accuracy against truth, into BENCHMARKS.md
	$(BIN)/python bench/run.py

trust: $(VENV)/dev ## kills, full disks, crowds and seeded defects by the hundred, into docs/explanation/faults.md
	$(BIN)/python trust/faults.py

lock: $(VENV)/bin/python ## pin the newest releases, with hashes; name no index
	$(PIP) uv
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) --output-file requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) --extra dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile requirements/delphi.in $(LOCK) --output-file requirements/delphi.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

$(VENV)/delphi/bin/python: $(VENV)/bin/python requirements/delphi.txt
	$(PYTHON) -m venv $(VENV)/delphi
	$@ -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements/delphi.txt
	touch $@

clean:
	rm -rf $(VENV) demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: $(VENV)/bin/python requirements/runtime.txt pyproject.toml
	$(PIP) --require-hashes --requirement requirements/runtime.txt
	$(PIP) --no-build-isolation --no-deps --editable .
	touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	$(PIP) --require-hashes --requirement requirements/dev.txt
	touch $@
