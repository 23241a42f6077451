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

.PHONY: help lab test notebooks lint drive
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab $(ROOT_USER) $(LAB) notebooks/00_start_here.ipynb

test: $(READY)  ## prove everything: unit tests, then every notebook, twice
	PYTHONHASHSEED=1 $(BIN)/python -m pytest
	@echo "Once more, the notebooks under another hash seed:"
	PYTHONHASHSEED=2 $(BIN)/python -m pytest notebooks

notebooks: $(READY)  ## execute and save all notebooks; a second run changes nothing
	$(BIN)/python tools/execute_notebooks.py

lint: $(DEV_READY)  ## check the style of the code (for developers)
	$(BIN)/ruff check

drive: $(DEV_READY)  ## run all notebooks in a real Chromium (for developers)
	$(BIN)/python tools/drive_lab.py

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
