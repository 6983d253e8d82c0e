/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-teller.h"

#include "http/stream/kv-http-json-frame.h"

/* The contract's streams tell neither the end of a snapshot nor a reset: the snapshot that follows it begins every key anew. */
GBytes *
kv_http_teller_tell_lines (KvHttpTeller *teller, const KvWatchEvent *event)
{
  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      return kv_http_frame_cache_get_snapshot (teller->cache, event->key, event->entry);
    case KV_WATCH_CHANGE:
      return kv_http_frame_cache_get_change (teller->cache, &event->change);
    case KV_WATCH_SNAPSHOT_END:
    case KV_WATCH_RESET:
      return NULL;
    }
  g_assert_not_reached ();
}

static GBytes *
end_snapshot (KvHttpTeller *teller, guint64 revision)
{
  teller->settling = 0;
  teller->told = revision;
  return kv_http_json_frame_new_snapshot_end (revision);
}

/* One frame of two. It is made for this stream alone, when a snapshot has ended in the midst of writes. */
static GBytes *
join (GBytes *first, GBytes *second)
{
  GByteArray *bytes = g_bytes_unref_to_array (first);
  gsize length;
  const guint8 *data = g_bytes_get_data (second, &length);

  g_byte_array_append (bytes, data, (guint) length);
  g_bytes_unref (second);
  return g_byte_array_free_to_bytes (bytes);
}

static GBytes *
tell_change (KvHttpTeller *teller, const KvChange *change)
{
  guint64 settled = teller->settling;
  GBytes *frame;

  if (G_UNLIKELY (settled != 0 && change->revision <= settled))
    return kv_http_json_frame_new_late (change, teller->shape);

  frame = kv_http_frame_cache_get_change (teller->cache, change);
  if (G_UNLIKELY (settled != 0))
    frame = join (end_snapshot (teller, settled), frame);
  if (change->last)
    teller->told = change->revision;
  return frame;
}

static GBytes *
tell_snapshot_end (KvHttpTeller *teller, KvStore *store, guint64 revision)
{
  guint64 now = kv_store_get_revision (store);

  if (now == revision)
    return end_snapshot (teller, revision);
  teller->settling = now;
  return NULL;
}

GBytes *
kv_http_teller_tell_json (KvHttpTeller *teller, KvStore *store, const KvWatchEvent *event)
{
  switch (event->type)
    {
    case KV_WATCH_CHANGE:
      return tell_change (teller, &event->change);
    case KV_WATCH_SNAPSHOT:
      /* What is not in a snapshot is not there. */
      return event->entry != NULL
               ? kv_http_frame_cache_get_snapshot (teller->cache, event->key, event->entry)
               : NULL;
    case KV_WATCH_SNAPSHOT_END:
      return tell_snapshot_end (teller, store, event->revision);
    case KV_WATCH_RESET:
      teller->settling = 0;
      return kv_http_json_frame_new_reset (event->oldest, event->revision);
    }
  g_assert_not_reached ();
}

GBytes *
kv_http_teller_settle (KvHttpTeller *teller, const KvWatch *watch)
{
  guint64 revision;

  if (!kv_watch_get_progress (watch, &revision) || revision < teller->settling)
    return NULL;
  return end_snapshot (teller, teller->settling);
}

GBytes *
kv_http_teller_keep_alive (KvHttpTeller *teller, const KvWatch *watch)
{
  guint64 revision;

  if (teller->shape == KV_HTTP_FRAME_LINES || teller->settling != 0
      || !kv_watch_get_progress (watch, &revision) || revision <= teller->told)
    return kv_http_frame_new_comment ();
  teller->told = revision;
  return kv_http_frame_cache_get_progress (teller->cache, revision);
}
