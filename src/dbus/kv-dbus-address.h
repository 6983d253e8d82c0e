/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_dbus_address_find:
 * @bus: `session`, `system` or a D-Bus address
 * @error: set to %KV_ERROR_UNAVAILABLE when there is no session bus
 *
 * Finds a bus by what the environment says (D-Bus specification, "Well-known Message Bus Instances"), and never starts
 * one: a session bus that only this service knew would be of no use.
 *
 * Returns: (transfer full): its address
 */
char *kv_dbus_address_find (const char *bus, GError **error);

/**
 * kv_dbus_address_describe:
 * @bus: as above
 *
 * Returns: (transfer full): the bus in words, for people and logs
 */
char *kv_dbus_address_describe (const char *bus);

G_END_DECLS
