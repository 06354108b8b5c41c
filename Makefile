# make run: set up and do the main job, offline: text, tokenizer, training, samples, loss graph.
# make test: the same set-up with the tools for tests, then the whole suite.
# make test-tensorflow: the tests that need TensorFlow, which the suite does without.
# make test-browser: of the suite, the tests in headless Chromium, which fail where there is none (apt install chromium).
# make docs: the pages of docs/, the notebooks and a generated reference as a site, build/site/index.html, without a network.
# PYTHON=/path/to/python3.12 chooses the interpreter; ARGUMENTS="--minutes 10" is handed to gpt25 quickstart.

SHELL := /bin/bash
ARGUMENTS ?=
TEST_PROCESSES ?= 2
ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt

# The first interpreter that is new enough and can make environments; what the machine calls python3 comes first.
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
IS_SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: run test test-tensorflow test-browser docs check format clean

run: $(ENVIRONMENT)/.installed
	$(BIN)/gpt25 quickstart $(ARGUMENTS)

test: $(ENVIRONMENT)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_PROCESSES) -q

# Out of the suite for its size: TensorFlow takes 1.5 GB. It writes a checkpoint as OpenAI's was written, and we read it.
test-tensorflow: $(ENVIRONMENT)/.installed-dev
	@$(PIP_INSTALL) -e '.[tensorflow]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:xdist tests/weights/tensorflow_release.py

# Part of the suite, where they are skipped without a browser: the site, the report, the pages and the playground.
test-browser: $(ENVIRONMENT)/.installed-dev
	BROWSER_TESTS=required OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_PROCESSES) -q $(shell find tests -name 'test_*_in_browser.py')

docs: $(ENVIRONMENT)/.installed-docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html -c docs/site -d build/site-cache . build/site
	@echo "open build/site/index.html"

check: $(ENVIRONMENT)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(ENVIRONMENT)/.installed-dev
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:
	rm -rf $(ENVIRONMENT) build dist .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for candidate in $(CANDIDATES); do \
		if "$$candidate" -c '$(IS_SUITABLE)' 2> /dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "error: none of these is a Python 3.11 or newer that can make environments: $(CANDIDATES)." >&2; \
		echo "Install one (Debian and Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3." >&2; \
		exit 2; \
	fi; \
	echo "making $(ENVIRONMENT) with $$("$$found" --version)"; \
	"$$found" -m venv --clear $(ENVIRONMENT)

# The stamps remember what was installed; a change of pyproject.toml or constraints.txt installs again.
$(ENVIRONMENT)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing gpt25 and what it needs into $(ENVIRONMENT): once, some minutes, torch is large"
	@$(PIP_INSTALL) -e .
	@touch $@

$(ENVIRONMENT)/.installed-dev: $(ENVIRONMENT)/.installed
	@echo "installing the tools for tests into $(ENVIRONMENT)"
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@

$(ENVIRONMENT)/.installed-docs: $(ENVIRONMENT)/.installed
	@echo "installing what builds the site into $(ENVIRONMENT)"
	@$(PIP_INSTALL) -e '.[docs]'
	@touch $@
