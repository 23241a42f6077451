# Two commands are enough for a reader: make lab, make test.
# Set-up happens by itself, once; it is repeated only when requirements.txt or pyproject.toml changes.

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
# An inherited backend would hide the figures of the notebooks.
unexport MPLBACKEND

# The site is built and tested in an environment of its own.
SITE_VENV ?= .venv-site
SITE_BIN := $(SITE_VENV)/bin
SITE_READY := $(SITE_VENV)/ready
# make site PYODIDE=folder takes the wheels from an official Pyodide distribution.
PYODIDE ?=
PORT ?= 8000

.PHONY: help lab test notebooks lint drive site serve slides test-site chromium
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab $(ROOT_USER) $(LAB) notebooks/00_start_here.ipynb

test: $(READY)  ## prove everything: unit tests, then every notebook, twice
	@# The second run of the notebooks, under another hash seed, goes on beside the first: half the waiting on two cores.
	@PYTHONHASHSEED=2 $(BIN)/python -m pytest -p no:cacheprovider notebooks > $(VENV)/second-run.log 2>&1 & second=$$!; \
	PYTHONHASHSEED=1 $(BIN)/python -m pytest; first=$$?; \
	wait $$second; other=$$?; \
	echo "Once more, the notebooks under another hash seed:"; cat $(VENV)/second-run.log; \
	test $$first -eq 0 && test $$other -eq 0

notebooks: $(READY)  ## execute and save all notebooks; a second run changes nothing
	$(BIN)/python tools/execute_notebooks.py

lint: $(DEV_READY)  ## check the style of the code (for developers)
	$(BIN)/ruff check

drive: $(DEV_READY)  ## run all notebooks in a real Chromium (for developers)
	$(BIN)/python tools/drive_lab.py

site: $(SITE_READY)  ## build the site: pages to read, and all notebooks live in the browser (public/)
	$(SITE_BIN)/python tools/site_build.py $(if $(PYODIDE),--pyodide "$(PYODIDE)")

slides: $(SITE_READY)  ## make a deck of slides from each notebook (public/slides/)
	$(SITE_BIN)/python tools/site_slides.py

serve: $(SITE_READY)  ## show the built site on this machine
	@test -f public/index.html || $(MAKE) site
	$(SITE_BIN)/python tools/site_serve.py --port $(PORT)

test-site: site slides chromium  ## look at every page, and run every notebook, in a real Chromium
	$(SITE_BIN)/python -m pytest -c tests_site/pytest.ini tests_site --durations=5

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	  test "$$(id -u)" = 0 || { echo "Chromium is needed, e.g. apt-get install chromium" >&2; exit 1; }; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null

$(SITE_READY): site/requirements.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_BIN)/python -m pip install --quiet --disable-pip-version-check -r site/requirements.txt
	@touch $@

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, e.g. make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV): once, about two minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@# JupyterLab would ask to fetch news from the network.
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements
	@touch $@

$(DEV_READY): tools/requirements-dev.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tools/requirements-dev.txt
	@touch $@
