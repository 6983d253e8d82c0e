# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The two ways on which kvstored can carry HTTP, and how a test is run on both."""

import pytest

# What tells kvstored to use it.
CARRIERS = {"express": (), "libsoup": ("--no-express",)}

# For a test, a class or a module outside tests/http, where every test is run on both without it.
both_carriers = pytest.mark.parametrize("carrier", CARRIERS, indirect=True)
