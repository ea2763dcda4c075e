# make demo         the environment, then five projects of real data from config to product, watched in a browser
# make demo-slurm   the same through a private SLURM, which needs Debian, root and the packages that it names
# make demo-kubernetes   the same through pods of a private Kubernetes, which is built once, in 5 to 15 minutes
# make check        what every commit must pass, in a minute and a half: `make gates` and the unit tests, which need no PADOCC, service or browser
# make gates        lint, format, types, and who may import whom
# make test         the environment, `make gates`, then every test;  make test ARGS="-k selection -x"  for some of them
# make test-python PYTHON=python3.13    the pipeline's tests on another Python, with the packages that it gets, in an environment beside .venv
# make faults       a quarter of an hour: every kind of fault, drawn by SEED, and a table: duplicates, lost, wrong causes
# make soak         an hour: 100 small projects through a private SLURM whose controller restarts every three minutes
# make bench        what projects cost: six ways through ten-file projects, then 1 000 projects without their phases; an hour, root and SLURM
# make docs         the documentation as a site, in site/
# make clean        removes the environment, the demos' folders and what was compiled

PYTHON ?= python3
ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
SEED ?= 1
DEMO ?= demo
DEMO_SLURM ?= demo-slurm
DEMO_KUBERNETES ?= demo-kubernetes
VENV := .venv
BIN := $(VENV)/bin
OTHER := .venv-$(notdir $(PYTHON))
PIPELINE := -k "not kill and not interrupted and not moves and not thousand and not remedies_work and not hunted" --timeout 300
unexport PYTHONDONTWRITEBYTECODE  # without byte code, every worker compiles PADOCC and what it imports again


.PHONY: demo demo-slurm demo-kubernetes check gates test test-python faults soak bench docs clean

demo: $(VENV)/installed
	$(BIN)/padocc-dagster demo --directory $(DEMO)

demo-slurm: $(VENV)/installed
	trap '$(BIN)/python tools/slurm-cluster stop --directory $(DEMO_SLURM)/cluster' EXIT; trap : INT TERM; \
	$(BIN)/python tools/slurm-cluster start --directory $(DEMO_SLURM)/cluster && \
	SLURM_CONF="$$PWD/$(DEMO_SLURM)/cluster/etc/slurm.conf" \
		$(BIN)/padocc-dagster demo --directory $(DEMO_SLURM)/run --settings deploy/slurm/one-node.yaml

demo-kubernetes: $(VENV)/installed
	trap '$(BIN)/python tools/kubernetes-cluster stop --directory $(DEMO_KUBERNETES)/cluster' EXIT; trap : INT TERM; \
	$(BIN)/python tools/kubernetes-cluster start --directory $(DEMO_KUBERNETES)/cluster && \
	$(BIN)/python tools/kubernetes-cluster settings --directory $(DEMO_KUBERNETES)/cluster \
		$(DEMO_KUBERNETES)/run >$(DEMO_KUBERNETES)/dagster.yaml && \
	$(BIN)/padocc-dagster demo --directory $(DEMO_KUBERNETES)/run --settings $(DEMO_KUBERNETES)/dagster.yaml

gates: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: gates
	$(BIN)/python -m pytest -q -m unit -n 2 --dist loadfile

test: gates
	$(BIN)/python -m padocc_dagster_tests $(ARGS)

test-python: $(OTHER)/installed
	$(OTHER)/bin/python --version
	$(OTHER)/bin/python -m pip freeze | grep -iE '^(cfapyx|h5py|kerchunk|netcdf4|numpy|padocc|virtualizarr|xarray|zarr)=='
	$(OTHER)/bin/python -m pytest -q -ra padocc_dagster_tests/pipeline $(PIPELINE) $(ARGS)

faults: $(VENV)/installed
	$(BIN)/python -m padocc_dagster_tests.slurm.live.fault_table --seed $(SEED) -n 2

soak: $(VENV)/installed
	SOAK_PROJECTS=100 SOAK_RESTART_SECONDS=180 $(BIN)/python -m pytest -ra padocc_dagster_tests/slurm/live/test_soak.py

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.table --json docs/performance.json
	$(BIN)/python -m benchmarks.control_plane 1000

docs: $(VENV)/installed
	$(BIN)/mkdocs build --strict

$(VENV)/installed $(OTHER)/installed: pyproject.toml setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --compile -e '.[demo,test]'
	@$(@D)/bin/python -m compileall -q $(@D)/lib padocc_dagster padocc_dagster_tests >/dev/null || true  # templates with {{…}} do not compile
	touch $@

clean:
	test ! -e $(DEMO) || $(PYTHON) -c 'import sys; from pathlib import Path; from padocc_dagster.demo.data import remove_folder; remove_folder(Path(sys.argv[1]))' $(DEMO)
	rm -rf $(VENV) .venv-* build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
