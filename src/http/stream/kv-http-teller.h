/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/stream/kv-http-frame-cache.h"
#include "store/kv-watch.h"

G_BEGIN_DECLS

/**
 * KvHttpTeller:
 * @cache: (borrowed): where its frames are shared
 * @shape: of its frames
 * @told: the last id that the client has
 * @settling: while a snapshot waits to be whole: the revision that it will be of; else 0
 *
 * Makes frames of what one watch gives. Part of a stream, and used in its thread.
 *
 * **What a snapshot of `/v1/watch` is of.** A store's snapshot is taken while others write. A key that is written before its turn has
 * come is told as it is then, or, under a prefix, only by the change that follows; so where the watch says that the snapshot is
 * whole, a part of it may be of later, and half a transaction. These streams promise more: at `snapshot_end`, what has been told
 * is what there was at its id. So they note the store's revision when the watch has come that far, and tell what changed up to
 * that as a part of the snapshot. It holds nobody up: it is a few changes, which the log has already.
 */
typedef struct {
  KvHttpFrameCache *cache;
  KvHttpFrameShape shape;
  guint64 told;
  guint64 settling;
} KvHttpTeller;

/**
 * kv_http_teller_tell_lines:
 *
 * As kv_http_teller_tell(), for the contract's streams.
 */
GBytes *kv_http_teller_tell_lines (KvHttpTeller *teller, const KvWatchEvent *event);

/**
 * kv_http_teller_tell_json:
 *
 * The same for those of `/v1/watch`.
 */
GBytes *kv_http_teller_tell_json (KvHttpTeller *teller, KvStore *store, const KvWatchEvent *event);

/**
 * kv_http_teller_tell:
 * @store: what is watched
 * @event: what the watch has given
 *
 * Returns: (transfer full) (nullable): what there is to be said of it
 */
static inline GBytes *
kv_http_teller_tell (KvHttpTeller *teller, KvStore *store, const KvWatchEvent *event)
{
  if (teller->shape != KV_HTTP_FRAME_LINES)
    return kv_http_teller_tell_json (teller, store, event);
  /* Inline, as thousands of streams may be told the same change. */
  if (G_LIKELY (event->type == KV_WATCH_CHANGE))
    return kv_http_frame_cache_get_change (teller->cache, &event->change);
  return kv_http_teller_tell_lines (teller, event);
}

/**
 * kv_http_teller_settle:
 * @watch: it has nothing to give now
 *
 * To be called for one that is settling; once more in the next turn, for as long as that goes on, as the watch need not call.
 *
 * Returns: (transfer full) (nullable): the end of the snapshot, when it is whole
 */
GBytes *kv_http_teller_settle (KvHttpTeller *teller, const KvWatch *watch);

/**
 * kv_http_teller_keep_alive:
 *
 * Returns: (transfer full): what keeps a quiet stream alive: a comment; or how far it has come, where the client does not know, so
 *   that it does not come back one day after an id that nobody remembers
 */
GBytes *kv_http_teller_keep_alive (KvHttpTeller *teller, const KvWatch *watch);

G_END_DECLS
