# make run   install what is missing, then start the demo portal
# make test  install what is missing, then run every test, on SQLite and on PostgreSQL
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python

.PHONY: run test lock lint translations coverage-of-requirements clean

run: $(VENV)/.installed
	$(PY) run.py demo

# three workers on two cores: a browser often waits; what PostgreSQL would answer alike is tested once (tests/databases.py)
test: $(VENV)/.installed-dev
	$(PY) -m pytest -n 3 --dist worksteal --database sqlite
	$(PY) -m pytest -n 3 --dist worksteal --database postgresql

coverage-of-requirements: $(VENV)/.installed-dev
	$(PY) tests/requirements_coverage.py

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .

translations: $(VENV)/.installed
	$(VENV)/bin/pybabel compile -d app/translations

lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python lacks its venv module. Install it with: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) var .pytest_cache .hypothesis .ruff_cache
