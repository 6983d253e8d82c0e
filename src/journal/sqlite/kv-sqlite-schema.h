/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/**
 * KV_SQLITE_APPLICATION_ID:
 *
 * How a database of ours is told from others (`PRAGMA application_id`): "KVST".
 */
#define KV_SQLITE_APPLICATION_ID 0x4b565354

/**
 * kv_sqlite_schema_check:
 * @version: (out): which version its schema has; 0 for an empty file
 * @error: set to %KV_ERROR_FAILED when it is not ours, or is of a newer version; or as kv_sqlite_error_set() does
 *
 * Looks whether the database can be used, without changing anything.
 */
gboolean kv_sqlite_schema_check (sqlite3 *db, int *version, GError **error);

/**
 * kv_sqlite_schema_upgrade:
 * @version: as kv_sqlite_schema_check() gave it
 * @steps: (array length=n_steps): SQL that leads from each version to the next
 * @n_steps: the version to reach
 *
 * Brings the schema up to date, step by step in one transaction: when something fails, all is as it was.
 */
gboolean kv_sqlite_schema_upgrade (sqlite3 *db,
                                   int version,
                                   const char *const *steps,
                                   int n_steps,
                                   GError **error);

/**
 * kv_sqlite_schema_steps:
 *
 * The steps of our schema, numbered from 0. One that has been released is never changed: what is to be different is a
 * further step.
 */
extern const char *const kv_sqlite_schema_steps[];
extern const int kv_sqlite_schema_n_steps;

G_END_DECLS
