PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

.PHONY: demo test test-slow test-web soak fuzz lint docs clean

demo: $(VENV)/installed
	$(BIN)/mirzoo annotate mel_cnn_tagger,cqt_crnn_chords,hcqt_cnn_melody mirzoo/cli/demo/clip.ogg --picture demo.png --overwrite

# What to run before a commit: no network, a minute or two.
test: $(VENV)/installed-for-tests
	$(PYTEST) -m 'not slow and not network'

# The rest. Tests of published weights are skipped where there is no package index.
test-slow: $(VENV)/installed-for-tests
	$(PYTEST) -m 'slow or network'

# The page for browsers, in Chromium (Debian: apt install chromium), with what npm installs.
test-web: $(VENV)/installed-for-tests
	cd examples/web && npm ci --no-audit --no-fund && npm test
	$(BIN)/python -m pytest tests/examples/test_web.py tests/engines/test_browser.py -m 'slow or not slow'

# 10,000 short files, some bad, through processes and threads, then on Beam and Ray, killed and
# resumed: half an hour or so of two cores.
soak: $(VENV)/installed-for-tests
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/soak_engines.py

# Files, arrays and models broken at random, 1,000 of each kind, each in a process that may crash:
# half an hour or so of two busy cores. What is found is kept in fuzz-findings/ and judged again with
# make fuzz REPRODUCE=fuzz-findings/audio-1-2; KINDS="audio cards", CASES and SEED choose others.
fuzz: $(VENV)/installed-for-tests
	$(BIN)/python tests/fuzz $(if $(REPRODUCE),--reproduce $(REPRODUCE),$(KINDS) --cases $(or $(CASES),1000) --seed $(or $(SEED),0))

lint: $(VENV)/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The documentation, in docs/_build/html: no network, every warning is an error.
docs: $(VENV)/installed-for-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --builder html docs docs/_build/html

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[plot]'
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(PIP) --editable '.[test]'
	touch $@

$(VENV)/installed-for-docs: $(VENV)/installed
	$(PIP) --editable '.[docs]'
	touch $@
