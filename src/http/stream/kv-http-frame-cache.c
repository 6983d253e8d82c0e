/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-frame-cache.h"

#include "http/stream/kv-http-frame.h"

/* A power of two. Streams that are further apart than this do not share, which costs an encoding
 * each. */
#define N_SLOTS 256

#define MAX_BYTES (4 * 1024 * 1024)

typedef struct {
  guint64 sequence;
  GBytes *frame; /* (owned) (nullable) */
} Slot;

struct _KvHttpFrameCache {
  /* The change of sequence N is in slot N modulo their number: in the first row without an id, and in the second with one, which
   * the last change of a revision has. Within a transaction that differs from stream to stream. */
  Slot slots[2][N_SLOTS];
  gsize bytes;  /* of the frames in the slots */
  guint oldest; /* where to make room next: sequences rise, so the slots fill in order */

  KvEntry *shown;   /* (owned) (nullable): what the last snapshot frame was made of */
  GBytes *snapshot; /* (owned) (nullable): that frame */
};

KvHttpFrameCache *
kv_http_frame_cache_new (void)
{
  return g_new0 (KvHttpFrameCache, 1);
}

void
kv_http_frame_cache_free (KvHttpFrameCache *cache)
{
  kv_http_frame_cache_clear (cache);
  g_free (cache);
}

static void
clear_slot (KvHttpFrameCache *cache, Slot *slot)
{
  if (slot->frame == NULL)
    return;
  cache->bytes -= g_bytes_get_size (slot->frame);
  g_clear_pointer (&slot->frame, g_bytes_unref);
}

/* A single frame over the limit is kept all the same: it is the one that is dearest to have
 * twice. */
static void
make_room (KvHttpFrameCache *cache, gsize bytes)
{
  while (cache->bytes > 0 && cache->bytes + bytes > MAX_BYTES)
    {
      clear_slot (cache, &cache->slots[0][cache->oldest]);
      clear_slot (cache, &cache->slots[1][cache->oldest]);
      cache->oldest = (cache->oldest + 1) % N_SLOTS;
    }
}

GBytes *
kv_http_frame_cache_get_change (KvHttpFrameCache *cache, const KvChange *change)
{
  Slot *slot = &cache->slots[change->last ? 1 : 0][change->sequence % N_SLOTS];

  if (slot->frame == NULL || slot->sequence != change->sequence)
    {
      GBytes *frame = kv_http_frame_new_change (change);

      clear_slot (cache, slot);
      make_room (cache, g_bytes_get_size (frame));
      slot->sequence = change->sequence;
      slot->frame = frame;
      cache->bytes += g_bytes_get_size (frame);
    }
  return g_bytes_ref (slot->frame);
}

GBytes *
kv_http_frame_cache_get_snapshot (KvHttpFrameCache *cache, const char *key, KvEntry *entry)
{
  if (entry == NULL)
    return kv_http_frame_new_snapshot (key, NULL);

  if (cache->shown != entry)
    {
      g_clear_pointer (&cache->shown, kv_entry_unref);
      g_clear_pointer (&cache->snapshot, g_bytes_unref);
      cache->shown = kv_entry_ref (entry);
      cache->snapshot = kv_http_frame_new_snapshot (key, entry);
    }
  return g_bytes_ref (cache->snapshot);
}

void
kv_http_frame_cache_clear (KvHttpFrameCache *cache)
{
  for (guint i = 0; i < 2 * N_SLOTS; i++)
    clear_slot (cache, &cache->slots[i / N_SLOTS][i % N_SLOTS]);
  g_clear_pointer (&cache->shown, kv_entry_unref);
  g_clear_pointer (&cache->snapshot, g_bytes_unref);
}
