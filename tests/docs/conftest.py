"""The desk's store, kept for all tests of the docs."""

import pytest

from helpers.desk import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Where the things for all desks are kept."""
    return Store(tmp_path_factory.mktemp("things"))
