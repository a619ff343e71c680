"""One development authority for all tests of this folder."""

from __future__ import annotations

import pytest
from safeconduct.channel import Credentials

from infra.local.certificate_authority import Identity
from tests.sdk.servers import credentials, identity


@pytest.fixture(scope="session")
def server_files(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity(tmp_path_factory.mktemp("pki"), "enforcement", "service/enforcement")


@pytest.fixture(scope="session")
def partner_files(server_files: Identity) -> Identity:
    return identity(server_files.ca.parent, "partner", "partner/example-1")


@pytest.fixture(scope="session")
def partner(partner_files: Identity) -> Credentials:
    return credentials(partner_files)
