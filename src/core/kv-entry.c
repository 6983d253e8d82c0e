/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-entry.h"

#include "core/kv-entry-private.h"
#include "core/kv-hash.h"

#include <stddef.h>
#include <string.h>

G_DEFINE_BOXED_TYPE (KvEntry, kv_entry, kv_entry_ref, kv_entry_unref)

static KvEntry *
allocate (const char *key, gsize key_length, const char *value, gsize value_length, gint64 deadline)
{
  KvEntry *entry = g_malloc (offsetof (KvEntry, bytes) + key_length + value_length + 2);
  char *value_start = entry->bytes + key_length + 1;

  entry->revision = 0;
  entry->deadline = deadline;
  entry->references = 1;
  entry->value_length = value_length;
  entry->heap_index = KV_ENTRY_NOT_IN_HEAP;
  entry->key_length = key_length;
  memcpy (entry->bytes, key, key_length);
  entry->bytes[key_length] = '\0';
  if (value_length > 0)
    memcpy (value_start, value, value_length);
  value_start[value_length] = '\0';
  return entry;
}

KvEntry *
kv_entry_new (const char *key,
              gssize key_length,
              const char *value,
              gssize value_length,
              gint64 deadline,
              GError **error)
{
  gsize key_bytes = key_length < 0 ? strlen (key) : (gsize) key_length;
  gsize value_bytes = value_length < 0 ? strlen (value) : (gsize) value_length;
  KvEntry *entry;

  if (!kv_key_validate (key, key_bytes, error) || !kv_value_validate (value, value_bytes, error))
    return NULL;

  entry = allocate (key, key_bytes, value, value_bytes, deadline);
  entry->hash = kv_key_hash (key, key_bytes);
  return entry;
}

KvEntry *
kv_entry_new_like (const KvEntry *model, const char *value, gsize value_length, gint64 deadline)
{
  KvEntry *entry = allocate (model->bytes, model->key_length, value, value_length, deadline);

  entry->hash = model->hash;
  return entry;
}

KvEntry *
kv_entry_ref (KvEntry *entry)
{
  g_atomic_int_inc (&entry->references);
  return entry;
}

void
kv_entry_unref (KvEntry *entry)
{
  if (g_atomic_int_dec_and_test (&entry->references))
    g_free (entry);
}

const char *
kv_entry_get_key (const KvEntry *entry, gsize *length)
{
  if (length != NULL)
    *length = entry->key_length;
  return entry->bytes;
}

const char *
kv_entry_get_value (const KvEntry *entry, gsize *length)
{
  if (length != NULL)
    *length = entry->value_length;
  return kv_entry_value (entry);
}

guint64
kv_entry_get_revision (const KvEntry *entry)
{
  return entry->revision;
}

gint64
kv_entry_get_deadline (const KvEntry *entry)
{
  return entry->deadline;
}

gboolean
kv_entry_is_expired (const KvEntry *entry)
{
  return entry->deadline != KV_NO_DEADLINE && entry->deadline <= kv_clock_now ();
}

gsize
kv_entry_get_size (const KvEntry *entry)
{
  return offsetof (KvEntry, bytes) + entry->key_length + entry->value_length + 2;
}
