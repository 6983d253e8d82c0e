/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-snapshot.h"

G_BEGIN_DECLS

/**
 * KvDumpWriter:
 *
 * Writes a snapshot as a dump, bit by bit, at the pace of whoever takes it. Used by one thread at a time.
 */
typedef struct _KvDumpWriter KvDumpWriter;

/**
 * kv_dump_writer_new:
 * @snapshot: (transfer full): one of which nothing has been read
 *
 * Returns: (transfer full): a writer, at the beginning of the dump
 */
KvDumpWriter *kv_dump_writer_new (KvSnapshot *snapshot);

/**
 * kv_dump_writer_get_revision:
 *
 * Returns: the revision that the dump is of
 */
guint64 kv_dump_writer_get_revision (const KvDumpWriter *writer);

/**
 * kv_dump_writer_get_entries:
 *
 * Returns: how many entries have been written so far
 */
guint64 kv_dump_writer_get_entries (const KvDumpWriter *writer);

/**
 * kv_dump_writer_write:
 * @out: where to write
 * @size: bytes
 *
 * Appends whole lines to @out until they are @size bytes or more, or the dump has ended.
 *
 * Returns: whether there is more to come
 */
gboolean kv_dump_writer_write (KvDumpWriter *writer, GString *out, gsize size);

void kv_dump_writer_free (KvDumpWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDumpWriter, kv_dump_writer_free)

G_END_DECLS
