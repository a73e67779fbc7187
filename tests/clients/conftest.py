"""The clients from npm."""

import pytest

from tests.clients import installed
from tests.clients.installed import Npm


@pytest.fixture(scope="session")
def npm() -> Npm:
    """Give the clients from npm."""
    return installed.find()
