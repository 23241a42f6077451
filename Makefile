# Two commands are enough for a reader: make lab, make test.
# Set-up happens by itself, once; it is repeated only when requirements.lock changes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
DEV_READY := $(VENV)/ready-dev

# More options for JupyterLab, e.g. make lab LAB="--no-browser --port=9000".
LAB ?=
# In a container everybody is root, which JupyterLab refuses unless told.
ROOT_USER = $(if $(filter 0,$(shell id -u)),--allow-root)

# A second BLAS thread makes these small matrices slower, up to 20 times on a busy machine.
export OPENBLAS_NUM_THREADS := 1
# The packages are used where they lie; nothing of them is installed.
export PYTHONPATH := $(CURDIR)
# An inherited backend would hide the figures of the notebooks; and each process and kernel of a run
# would compile everything anew.
unexport MPLBACKEND PYTHONDONTWRITEBYTECODE

# The site is built and tested in an environment of its own.
SITE_VENV ?= .venv-site
SITE_BIN := $(SITE_VENV)/bin
SITE_READY := $(SITE_VENV)/ready
# make site PYODIDE=folder takes the wheels from an official Pyodide distribution.
PYODIDE ?=
PORT ?= 8000

# The libraries to compare with live apart too; one that cannot be installed is left out of the table.
BENCH_VENV ?= .venv-bench
BENCH_BIN := $(BENCH_VENV)/bin
BENCH_READY := $(BENCH_VENV)/ready

.PHONY: help lab fresh lock wheel links test test-again test-long mutate matrix numbers bench notebooks lint drive site pdf serve slides sheets test-site chromium
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

lab: $(READY)  ## open copies of the notebooks in JupyterLab, in work/
	@$(BIN)/python tools/work.py
	$(BIN)/jupyter lab $(ROOT_USER) $(LAB) work/00_start_here.ipynb

fresh: $(READY)  ## a fresh copy of one notebook in work/, yours stays beside it: make fresh NOTEBOOK=01
	@$(BIN)/python tools/work.py $(or $(NOTEBOOK),$(error which one? make fresh NOTEBOOK=01))

# Two processes, a file (or notebook) at a time to each, the longest first (tests/conftest.py); the
# hash seed must be one for both.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(READY)  ## prove everything once: unit tests, and every notebook against what it shows
	@PYTHONHASHSEED=1 $(PYTEST) tests notebooks

test-again: $(READY)  ## the notebooks under another hash seed, the other rows of the quick run, a sample of all mutants
	@PYTHONHASHSEED=2 $(PYTEST) notebooks
	@PYTHONHASHSEED=2 $(PYTEST) -m again tests

test-long: $(READY) test-again  ## prove the checkers: every mutant of every claim, and all exhaustive tests (an hour and more)
	@$(PYTEST) --dist load -m long tests

mutate: $(DEV_READY)  ## change one module in small places; what do its tests miss? make mutate MODULE=... TESTS=...
	@sed 's#MODULE#$(or $(MODULE),$(error which? MODULE=gradcheck/stated.py TESTS=tests/gradcheck/test_mistakes_named.py))#; s#TESTS#$(TESTS)#' \
	  tools/cosmic-ray.toml > mutants.toml
	@rm -f mutants.sqlite
	@PATH="$(BIN):$$PATH" cosmic-ray init mutants.toml mutants.sqlite
	PATH="$(BIN):$$PATH" cosmic-ray exec mutants.toml mutants.sqlite
	@$(BIN)/cr-report --surviving-only --show-diff mutants.sqlite

matrix: $(READY)  ## run everything on the oldest and newest packages, several Pythons, hash seeds and BLAS kernels
	$(BIN)/python tools/matrix.py $(MATRIX)

numbers: $(READY)  ## add up the ledgers of all notebooks, and write the totals into the README
	$(BIN)/python tools/ledger.py

bench: $(READY) $(BENCH_READY)  ## compare a training step with other libraries, as ratios, and time the collection
	$(BENCH_BIN)/python tests/bench/training_step.py
	$(BENCH_BIN)/python tests/bench/gradient_checks.py
	$(BIN)/python tests/bench/whole.py

notebooks: $(READY)  ## execute and save all notebooks; a second run changes nothing
	$(BIN)/python tools/execute_notebooks.py

lock: $(DEV_READY)  ## write requirements.lock anew from requirements.txt (for developers)
	@{ echo "# Made by make lock from requirements.txt: every package, for every system, with its digests."; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements.txt; } > lock.part
	@mv lock.part requirements.lock

wheel: $(DEV_READY)  ## build wheel and sdist, of the collection and of the two packages that stand alone, into dist/
	@rm -rf dist
	$(BIN)/python tools/build_wheels.py dist
	$(BIN)/python -m twine check --strict dist/*

links:  ## call every address of the web that a document links to
	$(PYTHON) tools/web_links.py

lint: $(DEV_READY)  ## check the style of the code and who imports whom (for developers)
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-cache

drive: $(DEV_READY)  ## run all notebooks in a real Chromium (for developers)
	$(BIN)/python tools/drive_lab.py

site: $(SITE_READY)  ## build the site: pages to read, slides, and all notebooks live in the browser (public/)
	$(SITE_BIN)/python tools/site_build.py $(if $(PYODIDE),--pyodide "$(PYODIDE)")
	$(SITE_BIN)/python tools/site_slides.py
	$(SITE_BIN)/python tools/site_print.py

pdf: $(SITE_READY)  ## print all lessons of the built site as one PDF (public/book.pdf)
	@test -f public/index.html || $(MAKE) site
	$(SITE_BIN)/python tools/site_print.py

slides: $(SITE_READY)  ## make a deck of slides from each notebook (public/slides/)
	$(SITE_BIN)/python tools/site_slides.py

sheets: $(SITE_READY)  ## print an exercise sheet and an answer sheet of each notebook (public/sheets/)
	$(SITE_BIN)/python tools/site_sheets.py

serve: $(SITE_READY)  ## show the built site on this machine
	@test -f public/index.html || $(MAKE) site
	$(SITE_BIN)/python tools/site_serve.py --port $(PORT)

test-site: chromium site  ## look at every page, and run every notebook, in a real Chromium
	$(SITE_BIN)/python -m pytest -c tests/site/pytest.ini tests/site --durations=5

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	  test "$$(id -u)" = 0 || { echo "Chromium is needed, e.g. apt-get install chromium" >&2; exit 1; }; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null

$(BENCH_READY): tests/bench/requirements.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	for package in $$(cat $<); do $(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check "$$package" \
	  || echo "$$package is left out" >&2; done
	@touch $@

$(SITE_READY): site/requirements.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r site/requirements.txt
	@touch $@

$(READY): requirements.lock tools/set_up.py
	@$(PYTHON) tools/set_up.py $(VENV)
	@touch $@

$(DEV_READY): tools/requirements-dev.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tools/requirements-dev.txt
	@touch $@
