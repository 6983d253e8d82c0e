/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_sqlite_log_vfs_get_name:
 *
 * A file system for SQLite (sqlite3_vfs) that is the default one, but for how a write-ahead log is written:
 *
 * - What SQLite writes piece by piece, two for each page, goes to the system in one, when it is synced or read. A write that
 *   fails is told then, so that a sync may fail with what a write fails with, `SQLITE_FULL` or `SQLITE_IOERR_WRITE`: not all of it
 *   has been written.
 * - The file grows in large steps, of zeros, which are no log. To sync a file that has grown takes half as long again, as
 *   what describes it has to be written too.
 *
 * The first call settles which one is the default. Any thread.
 *
 * Returns: its name, for sqlite3_open_v2()
 */
const char *kv_sqlite_log_vfs_get_name (void);

G_END_DECLS
