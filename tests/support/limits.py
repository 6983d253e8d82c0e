# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How long the tests wait for what must happen. A wait ends as soon as it has happened."""

import os

# They make everything slower, and hold on to memory that has been freed.
SANITIZED = os.environ.get("KVSTORED_SANITIZE", "none") != "none"

# How much slower it may be.
SCALE = 4 if SANITIZED else 1

SOON = 10 * SCALE
LATER = 40 * SCALE
