# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How long the tests wait for what must happen. A wait ends as soon as it has happened."""

import os

# Sanitizers make everything slower, and so does a machine that does other things too.
SCALE = 1 if os.environ.get("KVSTORED_SANITIZE", "none") == "none" else 4

SOON = 10 * SCALE
LATER = 40 * SCALE
