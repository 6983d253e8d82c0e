# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Everything in this folder that asks a daemon is run on both carriers."""

import pytest

from support.carriers import CARRIERS


@pytest.fixture(scope="module", params=CARRIERS)
def carrier(request):
    """What carries HTTP in the daemons of the test."""
    return request.param
