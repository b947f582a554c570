"""Every notebook is a test: pytest runs each one from top to bottom with nbdev's own runner.

Cells flagged `#| slow`, `#| gpu`, `#| browser` or `#| bench` are skipped, as `settings.ini` says.
`pytest --flags "slow browser"` runs the notebooks that have such cells, those cells included.
"""
import os

if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # share the cores; set here only, or workers would inherit it
    for limit in "OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT":  # threads, and joblib's processes
        os.environ.setdefault(limit, str(max(1, (os.cpu_count() or 1) // int(workers))))
os.environ.setdefault("MPLBACKEND", "agg")

import pytest
from nbdev.config import get_config
from nbdev.process import NBProcessor
from nbdev.test import test_nb


def pytest_addoption(parser):
    parser.addoption("--flags", default="", help="run only notebooks with cells so flagged, those cells included")


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb" and file_path.is_relative_to(get_config().nbs_path):
        return NotebookFile.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config, items):
    "The browser first: it takes as long as the rest, which the other worker gets."
    if "browser" in config.getoption("--flags"): items.sort(key=lambda item: "browser" not in directives(item.path))


class NotebookFile(pytest.File):
    def collect(self):
        flags = set(self.config.getoption("--flags").split())
        if not flags or flags & directives(self.path):
            yield NotebookTest.from_parent(self, name=self.path.stem, flags=flags)


class NotebookTest(pytest.Item):
    def __init__(self, *, flags, **kwargs):
        super().__init__(**kwargs)
        self.flags = flags

    def runtest(self):
        skip = get_config().tst_flags.split()
        passed, _ = test_nb(self.path, skip_flags=skip, force_flags=self.flags, basepath=get_config().config_path)
        if not passed: raise NotebookFailed

    def repr_failure(self, excinfo, style=None):
        if excinfo.errisinstance(NotebookFailed): return f"{self.path.name} failed: its traceback is under stderr below"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, str(self.path.relative_to(get_config().config_path))


class NotebookFailed(Exception):
    "A cell of the notebook raised."


def directives(path):
    "The flags of all cells of the notebook at `path`."
    return {flag for cell in NBProcessor(path, process=True).nb.cells for flag in getattr(cell, "directives_", {}) or {}}
