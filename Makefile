# Each target sets up .venv where needed; the second time it starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Tests and benchmarks start hundreds of commands; an installed package is compiled once, and so is this one.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage mutants trust bench fuzz check docs picture lock clean chromium

demo: $(VENV)/runtime ## make, record and publish a simulated outbreak, and explain one figure
	$(BIN)/tallybook demo demo

test: $(VENV)/dev chromium ## run the tests and the examples in the documentation
	$(BIN)/python -m pytest

coverage: $(VENV)/dev chromium ## run the tests, and say which branches of the library none of them takes
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under 97

mutants: $(VENV)/mutants/bin/python ## seed defects into measures and ledger; SEED=2 SIZE=600 draws others, SIZE=0 all
	$(VENV)/mutants/bin/python trust/mutants.py --seed $(or $(SEED),1) --size $(or $(SIZE),600)

chromium: ## the browser that the tests of the site drive: Debian's, where it can be installed
	@command -v chromium > /dev/null || { apt-get update && apt-get install --yes chromium; } > /dev/null 2>&1 \
	  || echo "no chromium, and it cannot be installed here: the tests of the site are skipped" >&2

check: $(VENV)/dev ## format, lint, types, imports between rooms
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/dev ## build the documentation, strictly, into build/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "open build/docs/index.html in a browser"

picture: $(VENV)/dev ## draw the README's picture anew
	cd docs && ../$(BIN)/python -m generators.picture

bench: $(VENV)/dev $(VENV)/delphi/bin/python ## speed as ratios to the floor, accuracy against truth, into BENCHMARKS.md
	$(BIN)/python bench/run.py

fuzz: $(VENV)/fuzz/bin/python ## what others write is taken or refused in one line: every reader for FUZZ_SECONDS (600)
	$(VENV)/fuzz/bin/python trust/fuzz/large.py
	$(VENV)/fuzz/bin/python trust/fuzz/run_fuzz.py $(READERS)

trust: $(VENV)/dev ## kills, full disks, crowds and seeded defects by the hundred, into docs/explanation/faults.md
	$(BIN)/python trust/faults.py

lock: $(VENV)/bin/python ## pin the newest releases, with hashes; name no index
	$(PIP) uv
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) --output-file requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml requirements/build.in $(LOCK) --extra dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile requirements/delphi.in $(LOCK) --output-file requirements/delphi.txt
	$(BIN)/uv pip compile requirements/fuzz.in $(LOCK) --output-file requirements/fuzz.txt
	$(BIN)/uv pip compile requirements/mutants.in $(LOCK) --output-file requirements/mutants.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# delphi-utils asks for Python 3.8 alone, and what is timed of it runs on later ones.
$(VENV)/delphi/bin/python: $(VENV)/bin/python requirements/delphi.txt
	$(PYTHON) -m venv $(VENV)/delphi
	$@ -m pip --disable-pip-version-check install --quiet --require-hashes --ignore-requires-python \
	  --requirement requirements/delphi.txt
	touch $@

# The fuzzer is built for Linux on x86-64 and so many versions of Python; what is developed with does not need it.
$(VENV)/fuzz/bin/python: $(VENV)/bin/python requirements/runtime.txt requirements/fuzz.txt
	$(PYTHON) -m venv $(VENV)/fuzz
	$@ -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements/runtime.txt
	$@ -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements/fuzz.txt
	$@ -m pip --disable-pip-version-check install --quiet --no-build-isolation --no-deps --editable .
	touch $@

$(VENV)/mutants/bin/python: $(VENV)/dev requirements/mutants.txt
	$(PYTHON) -m venv $(VENV)/mutants
	$@ -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements/mutants.txt
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > $$($@ -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tests.pth
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
