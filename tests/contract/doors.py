# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The doors of the store, each asked in the same words (words.py)."""

from dbus_door import DbusDoor
from http_door import HttpDoor
from library_door import LibraryDoor

from support.daemon import SQLITE

# The doors by the names that the tests have for them.
# Each with what carries HTTP, and what the store of its daemon is: None for the default of the tests, which is memory.
DOORS = {
    "http-express": (HttpDoor, "express", None),
    "http-libsoup": (HttpDoor, "libsoup", None),
    "http-strict": (HttpDoor, "express", SQLITE),
    "dbus": (DbusDoor, "express", None),
    "dbus-strict": (DbusDoor, "express", SQLITE),
    "library": (LibraryDoor, None, None),
}

# Those with limits of their own.
FRONT_ENDS = [name for name in DOORS if name != "library"]
