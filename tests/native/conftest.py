import importlib
import shutil
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def native() -> ModuleType:
    """The compiled module. It may be absent only where nothing can compile it."""
    compilers = [name for name in ("c++", "g++", "clang++") if shutil.which(name)]
    try:
        module = importlib.import_module("novacula._native")
        module.instruction_set  # noqa: B018 - in a source tree the folder of its sources imports as an empty package
    except (ImportError, AttributeError):
        assert not compilers, f"novacula._native was not built, though {compilers[0]} is here"
        pytest.skip("novacula._native was not built: there is no C++ compiler")
    return module
