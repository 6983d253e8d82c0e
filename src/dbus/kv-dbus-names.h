/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

/* Where the service is found on the bus. */

#define KV_DBUS_NAME "org.kvstore.KvStore1"
#define KV_DBUS_OBJECT_PATH "/org/kvstore/KvStore1"
#define KV_DBUS_INTERFACE "org.kvstore.KvStore1"

/* Of a watch: this and a number is its path. */
#define KV_DBUS_WATCH_PREFIX KV_DBUS_OBJECT_PATH "/watch/"
#define KV_DBUS_WATCH_INTERFACE "org.kvstore.KvStore1.Watch"

/* The bus itself. */
#define KV_DBUS_BUS_NAME "org.freedesktop.DBus"
#define KV_DBUS_BUS_PATH "/org/freedesktop/DBus"
#define KV_DBUS_BUS_INTERFACE "org.freedesktop.DBus"
