# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The fixture that every test of the contract suite asks."""

import pytest
from doors import DOORS

from support.daemon import MEMORY


@pytest.fixture(params=DOORS)
def door(request, shared_kvstoreds):
    kind, carrier, store = DOORS[request.param]
    # The library is a process of its own and needs no daemon.
    opened = kind(shared_kvstoreds(carrier, store or MEMORY) if carrier else None)
    yield opened
    opened.close()
