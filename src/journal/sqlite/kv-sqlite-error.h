/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/**
 * kv_sqlite_error_set:
 * @db: the connection that failed
 * @error: set to %KV_ERROR_FAILED when the file cannot be used as it is, to %KV_ERROR_UNAVAILABLE otherwise; the text
 *   does not name the file
 *
 * Tells what the last call on @db failed with. The thread of @db.
 *
 * Returns: %FALSE
 */
gboolean kv_sqlite_error_set (sqlite3 *db, GError **error);

/**
 * kv_sqlite_error_set_damaged:
 * @what: what is wrong, in a few words
 * @error: set to %KV_ERROR_FAILED
 *
 * Tells that the file does not hold what a database of ours holds.
 *
 * Returns: %FALSE
 */
gboolean kv_sqlite_error_set_damaged (const char *what, GError **error);

G_END_DECLS
