/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "journal/kv-journal.h"

G_BEGIN_DECLS

/**
 * KvSqliteJournal:
 *
 * A journal in an SQLite database. One thread owns the connection; all that has been decided since its last transaction
 * goes into the next.
 */
#define KV_TYPE_SQLITE_JOURNAL (kv_sqlite_journal_get_type ())
G_DECLARE_FINAL_TYPE (KvSqliteJournal, kv_sqlite_journal, KV, SQLITE_JOURNAL, GObject)

/**
 * KV_SQLITE_VALUE_MAX_BYTES:
 *
 * The longest value that fits into a row, with some room for the rest of it (SQLite's own limit is 10^9 bytes a row).
 */
#define KV_SQLITE_VALUE_MAX_BYTES 999000000u

/**
 * kv_sqlite_journal_new:
 * @path: of the database; created when it is opened
 *
 * Returns: (transfer full): a journal, not open yet
 */
KvJournal *kv_sqlite_journal_new (const char *path, KvDurability durability);

G_END_DECLS
