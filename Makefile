# make explore, make test; make alone tells the rest.

SHELL := bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help explore test docs screenshots browsers campaign benchmarks lab lint environment release clean

# The Python to make .venv with; the first that fits if not set.
PYTHON ?=
# The Python that everything runs with.
PY := .venv/bin/python
# BROWSER=none prints JupyterLab's address and opens nothing.
BROWSER ?=
HOST ?= localhost
PORT ?= 8888

READY := .venv/.ready
READY_DEV := .venv/.ready-dev
READY_DOCS := .venv/.ready-docs
WIDGETS := embviz/widgets
READY_NODE := $(WIDGETS)/node_modules/.package-lock.json
PIP := $(PY) -m pip install -qq --disable-pip-version-check
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
# Files stay whole, since their tests share servers and pages; tests/conftest.py begins with the longest.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
NO_BROWSER := $(if $(filter none,$(BROWSER)),--no-browser)

# An environment that was copied or moved along with its folder still points to where it was: install again.
$(shell for stamp in $(READY) $(READY_DEV) $(READY_DOCS); do \
	[ ! -e $$stamp ] || [ "$$(cat $$stamp)" = "$$(pwd -P)" ] || rm -f $$stamp; done)

help:
	@echo "make explore       install, get the weights, draw the poster's figure of a rock track, open JupyterLab"
	@echo "make test          install with the development tools, and run every test"
	@echo "make docs          build the documentation into build/docs, with its lessons run, and check it (the first time takes minutes)"
	@echo "make screenshots   draw the pictures of the documentation anew (SCREENSHOTS_ARGS='map tasks')"
	@echo "make browsers      open exported pages in Firefox and WebKitGTK, and walk through a panel in every browser"
	@echo "make campaign      look for what kills, damaged files and odd tables can break (an hour; CAMPAIGN_ARGS='kills --scale 0.1')"
	@echo "make benchmarks    measure speed and memory, and write their tables (two hours; BENCHMARKS_ARGS='map --quick')"
	@echo "make lab           open JupyterLab on the first notebook"
	@echo "make lint          check style, types and which way imports point (scripts: with Node)"
	@echo "make environment   write environment.yml, from pyproject.toml"
	@echo "make release       build and check what is published, install it into an empty environment, and say how to upload it"
	@echo "make clean         remove .venv, build and caches (weights and kept embeddings stay)"
	@echo
	@echo "BROWSER=none prints JupyterLab's address and opens no browser; PORT, HOST and PYTHON can be set."

explore: $(READY)
	@echo "Getting the weights …"
	@$(PY) -m embviz pull --default || { [ $$? -eq 1 ] && \
		echo "Going on without what is missing; its panels will tell how to get it."; }
	@mkdir -p build
	@echo "Embedding sample_audio/rock.ogg …"
	@$(PY) -m embviz poster sample_audio/rock.ogg -o build/poster.html
	@$(open_lab)

lab: $(READY)
	@$(open_lab)

test: $(READY_DEV)
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@echo "Running every test …"
	@EMBVIZ_TEST_HOME="$$PWD/build/home" $(PY) -m pytest $(SIDE_BY_SIDE) $(PYTEST_ARGS)

docs: $(READY_DOCS)
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@rm -rf build/docs
	@echo "Building the site into build/docs; lessons that have changed are run …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m sphinx --quiet --fail-on-warning --keep-going -b html -c docs . build/docs
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz poster sample_audio/rock.ogg --model musicnn --model tempocnn \
		-o build/docs/track.html
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz report sample_audio --method pca --audio clips --color style \
		--title "Map of the sample tracks" -o build/docs/map.html
	@echo "Looking through its pages …"
	@$(PY) docs/inspection.py build/docs
	@echo "Open build/docs/index.html."

screenshots: $(READY_DOCS)
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) docs/screenshots.py $(SCREENSHOTS_ARGS)

browsers: $(READY_DEV)
	@missing=; \
	command -v firefox-esr firefox >/dev/null || missing="Firefox"; \
	command -v WebKitWebDriver >/dev/null && command -v Xvfb >/dev/null || missing="$$missing$${missing:+ and }WebKitGTK"; \
	[ -z "$$missing" ] || \
		echo "$$missing is missing, so its tests are skipped (on Debian and Ubuntu: apt install firefox-esr webkit2gtk-driver xvfb)." >&2
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@EMBVIZ_TEST_HOME="$$PWD/build/home" $(PY) -m pytest tests/browsers tests/browsers/journeys.py $(PYTEST_ARGS)

campaign: $(READY_DEV)
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@$(PY) tests/campaigns/run.py $(CAMPAIGN_ARGS)

benchmarks: $(READY_DEV)
	@echo "Getting the weights, into build/home …"
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m embviz pull --default
	@EMBVIZ_HOME="$$PWD/build/home" $(PY) -m benchmarks $(or $(BENCHMARKS_ARGS),--readme)

lint: $(READY_DEV) $(READY_NODE)
	@echo "Checking style and types …"
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m mypy
	@report=$$(.venv/bin/lint-imports --no-cache --no-logo) || { echo "$$report"; exit 1; }
	@npm --prefix $(WIDGETS) run --silent lint

environment: $(READY)
	@mkdir -p build
	@$(PY) docs/environment.py > build/environment.yml && mv build/environment.yml environment.yml

release: $(READY_DEV)
	@[ -z "$$(git status --porcelain)" ] || { $(say) "Commit or stash your changes first: a release is built of what is committed."; }
	@rm -rf build/release build/release-venv
	@echo "Building the wheel and the sdist …"
	@$(PY) -m hatchling build -d build/release >/dev/null 2>&1 || $(PY) -m hatchling build -d build/release
	@$(PY) tests/distribution.py build/release
	@$(PY) -m twine check --strict build/release/*
	@echo "Installing the wheel into an empty environment …"
	@$(PY) -m venv build/release-venv
	@build/release-venv/bin/python -m pip install -qq --disable-pip-version-check build/release/*.whl
	@cd build && release-venv/bin/python -I -c "import embviz; embviz.Collection.from_folder(embviz.sample_audio())"
	@cd build && EMBVIZ_HOME="$$PWD/home" release-venv/bin/embviz doctor
	@version=$$($(PY) -c 'import embviz; print(embviz.__version__)'); \
	echo; echo "Nothing was uploaded. To publish embviz $$version once make test has passed:"; \
	echo "  git tag v$$version && git push origin v$$version"; \
	echo "  $(PY) -m twine upload build/release/*"

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache $(WIDGETS)/node_modules
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(READY): pyproject.toml hatch_build.py
	@$(make_venv)
	@echo "Installing embviz and what it needs into .venv (the first time takes minutes) …"
	@$(PIP) -e . || { $(say) "The packages could not be installed, for the reason above; repeat the command to go on."; }
	@pwd -P > $@

$(READY_DEV): pyproject.toml hatch_build.py
	@$(make_venv)
	@echo "Installing embviz and the tools of its tests into .venv (the first time takes minutes) …"
	@$(PIP) -e '.[dev]' || { $(say) "The packages could not be installed, for the reason above; repeat the command to go on."; }
	@pwd -P | tee $(READY) > $@

$(READY_DOCS): pyproject.toml hatch_build.py
	@$(make_venv)
	@echo "Installing embviz and the tools of its documentation into .venv (the first time takes minutes) …"
	@$(PIP) -e '.[docs]' || { $(say) "The packages could not be installed, for the reason above; repeat the command to go on."; }
	@pwd -P | tee $(READY) > $@

# One sentence on stderr, and the end.
say = f() { echo "$$1" >&2; exit 1; }; f

$(READY_NODE): $(WIDGETS)/package-lock.json
	@command -v npm >/dev/null || { $(say) "The scripts of the widgets are checked with Node 20 or newer: install it (on Debian and Ubuntu: apt install npm) and repeat."; }
	@echo "Installing the tools that check the scripts …"
	@npm --prefix $(WIDGETS) ci --silent
	@touch $@

# Makes .venv unless there is one that works; what an interrupted start left behind is made anew.
define make_venv
if ! $(PY) -c 'import pip; $(FITS)' 2>/dev/null; then \
	found=; \
	for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
		if "$$python" -c '$(FITS)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	[ "$$found" ] || { $(say) "embviz needs Python 3.11 to 3.14, and $(or $(PYTHON),python3) is none of them: install one, or name it with PYTHON=."; }; \
	"$$found" -c 'import ensurepip, venv' 2>/dev/null || { $(say) "$$found lacks its venv module: install it (on Debian and Ubuntu: apt install python3-venv) and repeat."; }; \
	echo "Making .venv with $$found …"; \
	"$$found" -m venv --clear .venv || { $(say) "$$found could not make .venv, for the reason above."; }; \
fi
endef

# On a terminal the server gets a process group of its own (set -m), so that Ctrl-C ends it and not make.
define open_lab
echo "Opening JupyterLab; end it with Ctrl-C …"; \
if [ -t 0 ]; then set -m; fi; \
$(if $(NO_BROWSER),unset BROWSER;) \
$(PY) -m jupyterlab --ServerApp.root_dir="$$PWD" --LabApp.default_url=/lab/tree/notebooks/01_what_does_a_model_hear.ipynb \
	--ServerApp.ip='$(HOST)' --ServerApp.port='$(PORT)' --ServerApp.answer_yes=True --Application.log_level=WARN \
	$(NO_BROWSER) $(AS_ROOT) || [ $$? -eq 130 ] && \
echo "JupyterLab has ended."
endef
