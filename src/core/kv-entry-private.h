/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/* For the core and the store only: what an entry looks like inside, so that the table can hash and compare without
 * a call, and the store can seal a draft. */

/* The key and then the value lie behind the header, each followed by a NUL. All fields but two are immutable once the
 * entry is sealed: the reference count, which is atomic, and heap_index, which belongs to the store's expiry heap and is
 * guarded by its commit lock. */
struct _KvEntry {
  guint64 revision; /* 0: a draft */
  gint64 deadline;  /* kv_clock_now() microseconds, KV_NO_DEADLINE */
  gint
    references; /* atomic; not a gatomicrefcount, whose functions are not inline, as a read is two of them */
  guint32 hash; /* kv_key_hash() of the key */
  guint32 value_length;
  guint32 heap_index; /* its place in the heap; KV_ENTRY_NOT_IN_HEAP */
  guint16 key_length;
  char bytes[];
};

#define KV_ENTRY_NOT_IN_HEAP G_MAXUINT32

/* A draft with the key of @model (sealed or not) and another value, both valid already. */
KvEntry *
kv_entry_new_like (const KvEntry *model, const char *value, gsize value_length, gint64 deadline);

/* Makes a draft part of history. It is nobody's but the caller's until then. */
static inline void
kv_entry_seal (KvEntry *draft, guint64 revision)
{
  draft->revision = revision;
}

static inline const char *
kv_entry_value (const KvEntry *entry)
{
  return entry->bytes + entry->key_length + 1;
}

G_END_DECLS
