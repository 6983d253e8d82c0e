/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvDumpReader:
 *
 * Reads a dump that comes in pieces of any size, strictly: what is not a dump, or not the whole of one, is told with
 * the number of the line. It holds the part of one line. Used by one thread at a time.
 */
typedef struct _KvDumpReader KvDumpReader;

/**
 * KvDumpEntryFunc:
 * @draft: (transfer full): an entry of the dump, with its deadline; that may have passed
 *
 * Called for every entry, in the order of the lines.
 */
typedef void (*KvDumpEntryFunc) (KvEntry *draft, gpointer user_data);

/**
 * kv_dump_reader_new:
 * @max_value: the longest value that is taken, in bytes
 *
 * Returns: (transfer full): a reader
 */
KvDumpReader *kv_dump_reader_new (gsize max_value, KvDumpEntryFunc func, gpointer user_data);

/**
 * kv_dump_reader_feed:
 * @data: (array length=length): what follows upon what was fed before
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when a line is no JSON, to %KV_ERROR_INVALID_KEY when it has a bad key, to
 *   %KV_ERROR_UNPROCESSABLE when it is not what a dump has in its place, to %KV_ERROR_TOO_LARGE when it or
 *   its value is too long
 *
 * Reads the lines that end in @data. After an error the reader is of no more use.
 */
gboolean kv_dump_reader_feed (KvDumpReader *reader, const char *data, gsize length, GError **error);

/**
 * kv_dump_reader_finish:
 * @error: as kv_dump_reader_feed() has it; %KV_ERROR_INVALID_ARGUMENT when the dump is not whole
 *
 * Nothing more comes. Reads a last line that has no line end.
 */
gboolean kv_dump_reader_finish (KvDumpReader *reader, GError **error);

void kv_dump_reader_free (KvDumpReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDumpReader, kv_dump_reader_free)

G_END_DECLS
