/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where a database lies: the directories above it, and which files are there under its name and that of its
 * write-ahead log. What SQLite has open is what it has opened once, whatever becomes of the names meanwhile. */

/**
 * kv_sqlite_place_resolve:
 *
 * Returns: (transfer full): the path without symbolic links where there is a file, so that one has one path; else @path
 */
char *kv_sqlite_place_resolve (const char *path);

/**
 * kv_sqlite_place_name_log:
 * @path: of a database that is there
 *
 * Returns: (transfer full): the path of its write-ahead log, which lies beside the file that a symbolic link leads to
 */
char *kv_sqlite_place_name_log (const char *path);

/**
 * kv_sqlite_place_check_kind:
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Returns: whether there is a regular file, or nothing; SQLite would leave something beside a device before it sees that it is none
 */
gboolean kv_sqlite_place_check_kind (const char *path, GError **error);

/**
 * kv_sqlite_place_create_directories:
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Creates the directories that a database lies in, for its owner alone, where they are not there, and has them on the
 * disk when it returns.
 */
gboolean kv_sqlite_place_create_directories (const char *path, GError **error);

/**
 * kv_sqlite_place_create_file:
 * @error: set to %KV_ERROR_UNAVAILABLE when it cannot be opened for writing, or to %KV_ERROR_FAILED when the database has
 *   nothing in it while its log has, which SQLite would take for a log that means nothing
 *
 * Creates an empty database, for its owner alone, where there is none.
 */
gboolean kv_sqlite_place_create_file (const char *path, GError **error);

/**
 * kv_sqlite_place_is_remote:
 *
 * Returns: whether the file lies on a file system of another machine
 */
gboolean kv_sqlite_place_is_remote (const char *path);

/**
 * kv_sqlite_place_get_room:
 *
 * Returns: bytes that are free on the file system of the file; many where that is not known
 */
guint64 kv_sqlite_place_get_room (const char *path);

/**
 * KvSqlitePlace:
 *
 * Which files were there at one moment: that of a database, and its log.
 */
typedef struct _KvSqlitePlace KvSqlitePlace;

/**
 * kv_sqlite_place_new:
 * @path: of the database, as it was named
 * @log_path: of its log
 *
 * Returns: (transfer full): the files that are there now
 */
KvSqlitePlace *kv_sqlite_place_new (const char *path, const char *log_path);

void kv_sqlite_place_free (KvSqlitePlace *place);

/**
 * kv_sqlite_place_check:
 * @error: set to %KV_ERROR_UNAVAILABLE
 *
 * Returns: whether the same files are there still
 */
gboolean kv_sqlite_place_check (const KvSqlitePlace *place, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSqlitePlace, kv_sqlite_place_free)

G_END_DECLS
