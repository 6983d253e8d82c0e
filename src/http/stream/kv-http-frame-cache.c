/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-frame-cache.h"

#include "http/stream/kv-http-json-frame.h"

/* A power of two. Streams that are further apart than this do not share, which costs an encoding
 * each. */
#define N_SLOTS 256

/* For each of the few shapes that streams ask for. */
#define MAX_BYTES (4 * 1024 * 1024)

typedef struct {
  guint64 sequence;
  GBytes *frame; /* (owned) (nullable) */
} Slot;

struct _KvHttpFrameCache {
  KvHttpFrameShape shape;

  /* The change of sequence N is in slot N modulo their number: in the first row without an id, and in the second with one, which
   * the last change of a revision has. Within a transaction that differs from stream to stream. */
  Slot slots[2][N_SLOTS];
  gsize bytes;  /* of the frames in the slots */
  guint oldest; /* where to make room next: sequences rise, so the slots fill in order */

  KvEntry *shown;   /* (owned) (nullable): what the last snapshot frame was made of */
  GBytes *snapshot; /* (owned) (nullable): that frame */

  guint64 reached;  /* what the last progress frame tells */
  GBytes *progress; /* (owned) (nullable): that frame */
};

KvHttpFrameCache *
kv_http_frame_cache_new (KvHttpFrameShape shape)
{
  KvHttpFrameCache *cache = g_new0 (KvHttpFrameCache, 1);

  cache->shape = shape;
  return cache;
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

static GBytes *
encode_change (const KvHttpFrameCache *cache, const KvChange *change)
{
  return cache->shape == KV_HTTP_FRAME_LINES ? kv_http_frame_new_change (change)
                                             : kv_http_json_frame_new_change (change, cache->shape);
}

static GBytes *
encode_snapshot (const KvHttpFrameCache *cache, const char *key, const KvEntry *entry)
{
  return cache->shape == KV_HTTP_FRAME_LINES
           ? kv_http_frame_new_snapshot (key, entry)
           : kv_http_json_frame_new_snapshot (entry, cache->shape);
}

GBytes *
kv_http_frame_cache_get_change (KvHttpFrameCache *cache, const KvChange *change)
{
  Slot *slot = &cache->slots[change->last ? 1 : 0][change->sequence % N_SLOTS];

  if (slot->frame == NULL || slot->sequence != change->sequence)
    {
      GBytes *frame = encode_change (cache, change);

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
    return encode_snapshot (cache, key, NULL);

  if (cache->shown != entry)
    {
      g_clear_pointer (&cache->shown, kv_entry_unref);
      g_clear_pointer (&cache->snapshot, g_bytes_unref);
      cache->shown = kv_entry_ref (entry);
      cache->snapshot = encode_snapshot (cache, key, entry);
    }
  return g_bytes_ref (cache->snapshot);
}

GBytes *
kv_http_frame_cache_get_progress (KvHttpFrameCache *cache, guint64 revision)
{
  if (cache->progress == NULL || cache->reached != revision)
    {
      g_clear_pointer (&cache->progress, g_bytes_unref);
      cache->progress = kv_http_json_frame_new_progress (revision);
      cache->reached = revision;
    }
  return g_bytes_ref (cache->progress);
}

void
kv_http_frame_cache_clear (KvHttpFrameCache *cache)
{
  for (guint i = 0; i < 2 * N_SLOTS; i++)
    clear_slot (cache, &cache->slots[i / N_SLOTS][i % N_SLOTS]);
  g_clear_pointer (&cache->shown, kv_entry_unref);
  g_clear_pointer (&cache->snapshot, g_bytes_unref);
  g_clear_pointer (&cache->progress, g_bytes_unref);
}
