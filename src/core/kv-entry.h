/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-clock.h"
#include "core/kv-key.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * KvEntry:
 *
 * A key, its value, its revision and its deadline in one immutable, reference-counted block. Key and value are
 * valid by construction: there is no other way to make an entry. What kv_entry_new() returns is a draft, which has no
 * revision yet and belongs to its maker alone; the store seals it, once, when it commits the write.
 *
 * Any thread may hold and read an entry.
 */
typedef struct _KvEntry KvEntry;

#define KV_TYPE_ENTRY (kv_entry_get_type ())
GType kv_entry_get_type (void) G_GNUC_CONST;

/**
 * kv_entry_new:
 * @key: (array length=key_length): the key
 * @key_length: its bytes, or -1 when NUL-terminated
 * @value: (array length=value_length): the value; it may hold U+0000
 * @value_length: its bytes, or -1 when NUL-terminated
 * @deadline: a kv_clock_now() time in microseconds, or %KV_NO_DEADLINE
 * @error: set to %KV_ERROR_INVALID_KEY, %KV_ERROR_INVALID_VALUE or %KV_ERROR_TOO_LARGE
 *
 * Returns: (transfer full): a draft
 */
KvEntry *kv_entry_new (const char *key,
                       gssize key_length,
                       const char *value,
                       gssize value_length,
                       gint64 deadline,
                       GError **error);

/**
 * kv_entry_ref:
 *
 * Returns: (transfer full): @entry
 */
KvEntry *kv_entry_ref (KvEntry *entry);

/**
 * kv_entry_unref:
 * @entry: (transfer full): an entry
 */
void kv_entry_unref (KvEntry *entry);

/**
 * kv_entry_get_key:
 * @length: (out) (optional): its bytes
 *
 * Returns: (transfer none): the key, NUL-terminated
 */
const char *kv_entry_get_key (const KvEntry *entry, gsize *length);

/**
 * kv_entry_get_value:
 * @length: (out) (optional): its bytes; the value may hold U+0000
 *
 * Returns: (transfer none): the value, followed by a NUL that does not count
 */
const char *kv_entry_get_value (const KvEntry *entry, gsize *length);

/**
 * kv_entry_get_revision:
 *
 * Returns: the revision of the write that made it, 0 for a draft
 */
guint64 kv_entry_get_revision (const KvEntry *entry);

/**
 * kv_entry_get_deadline:
 *
 * Returns: when it expires, in kv_clock_now() microseconds, or %KV_NO_DEADLINE
 */
gint64 kv_entry_get_deadline (const KvEntry *entry);

/**
 * kv_entry_is_expired:
 *
 * Tells whether its deadline has come. Reads the clock only when there is a deadline.
 */
gboolean kv_entry_is_expired (const KvEntry *entry);

/**
 * kv_entry_get_size:
 *
 * Returns: the bytes of memory that the block takes
 */
gsize kv_entry_get_size (const KvEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvEntry, kv_entry_unref)

G_END_DECLS
