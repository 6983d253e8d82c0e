/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

/* Where the service is found on the bus. */

#define KV_DBUS_NAME "org.kvstore.KvStore1"
#define KV_DBUS_OBJECT_PATH "/org/kvstore/KvStore1"
