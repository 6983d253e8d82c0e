/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"
#include "journal/sqlite/kv-sqlite-boots.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/**
 * KvSqliteFile:
 *
 * A database of ours that is open: the connection, its settings and statements. One thread at a time.
 */
typedef struct _KvSqliteFile KvSqliteFile;

/**
 * KvSqliteOutcome:
 * @KV_SQLITE_WRITTEN: it is on the disk
 * @KV_SQLITE_NOT_WRITTEN: it is not in the file, and will not turn up there
 * @KV_SQLITE_IN_DOUBT: it may be in the file: all was written, but the disk did not confirm it. The next
 *   kv_sqlite_file_probe() settles that
 */
typedef enum {
  KV_SQLITE_WRITTEN,
  KV_SQLITE_NOT_WRITTEN,
  KV_SQLITE_IN_DOUBT,
} KvSqliteOutcome;

/**
 * kv_sqlite_file_open:
 * @path: a file, which is created, with the directories that it lies in, where it is not there
 * @error: set to %KV_ERROR_UNAVAILABLE or %KV_ERROR_FAILED; the text names the file
 *
 * Opens the database for this process alone and brings its schema up to date. One that cannot be used is left as
 * it is.
 *
 * Returns: (transfer full): a file, to be loaded (kv_sqlite_loader_run()) before it is written to
 */
KvSqliteFile *kv_sqlite_file_open (const char *path, GError **error);

/**
 * kv_sqlite_file_close:
 * @file: (transfer full): a file
 *
 * Puts the database in order where it can be, and lets go of it.
 */
void kv_sqlite_file_close (KvSqliteFile *file);

const char *kv_sqlite_file_get_path (KvSqliteFile *file);
sqlite3 *kv_sqlite_file_get_db (KvSqliteFile *file);
KvSqliteBoots *kv_sqlite_file_get_boots (KvSqliteFile *file);

/**
 * kv_sqlite_file_begin:
 * @error: set to %KV_ERROR_UNAVAILABLE when it cannot be written to at present, or to %KV_ERROR_FAILED
 *
 * Makes it ready to be written to, when everything has been loaded; the first thing that is written. Where that fails,
 * kv_sqlite_file_probe() and kv_sqlite_file_write() try it again.
 */
gboolean kv_sqlite_file_begin (KvSqliteFile *file, GError **error);

/**
 * kv_sqlite_file_write:
 * @changes: (element-type KvChange): one or more, of each key the last only
 * @revision: the highest of them
 * @error: set unless it is written
 *
 * Writes the changes in one transaction. When this returns %KV_SQLITE_WRITTEN the disk has them, under the name that the file
 * was opened by.
 */
KvSqliteOutcome
kv_sqlite_file_write (KvSqliteFile *file, GArray *changes, guint64 revision, GError **error);

/**
 * kv_sqlite_file_probe:
 * @error: set unless it is written
 *
 * Tries whether writing works, with a transaction that changes nothing of the entries. It takes the place of a transaction that was
 * in doubt: after %KV_SQLITE_WRITTEN, and after %KV_SQLITE_IN_DOUBT too, that one is certainly not in the file.
 */
KvSqliteOutcome kv_sqlite_file_probe (KvSqliteFile *file, GError **error);

/**
 * kv_sqlite_file_rebuild_index:
 *
 * The index of keys is damaged: it is made anew before anything else is written. Where that fails, so does writing.
 */
void kv_sqlite_file_rebuild_index (KvSqliteFile *file);

/**
 * kv_sqlite_file_measure:
 *
 * Returns: bytes of the database and its write-ahead log
 */
guint64 kv_sqlite_file_measure (KvSqliteFile *file);

/**
 * kv_sqlite_file_needs_checkpoint:
 *
 * Returns: whether the write-ahead log has become so long that it should not wait for a quiet moment
 */
gboolean kv_sqlite_file_needs_checkpoint (KvSqliteFile *file);

/**
 * kv_sqlite_file_has_log:
 *
 * Returns: whether there may be something in the write-ahead log that could be moved to its place
 */
gboolean kv_sqlite_file_has_log (KvSqliteFile *file);

/**
 * kv_sqlite_file_checkpoint:
 *
 * @error: set to %KV_ERROR_UNAVAILABLE or %KV_ERROR_FAILED
 *
 * Moves what is in the write-ahead log to its place. That it fails is no harm yet: the log has it, and grows.
 */
gboolean kv_sqlite_file_checkpoint (KvSqliteFile *file, GError **error);

G_END_DECLS
