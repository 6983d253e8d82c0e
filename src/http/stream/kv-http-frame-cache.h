/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/stream/kv-http-frame.h"

G_BEGIN_DECLS

/**
 * KvHttpFrameCache:
 *
 * The frames of one shape that streams have asked for lately. Many streams tell the same change within a moment:
 * it is encoded for the first of them, and the others share the bytes. Bounded in frames and in
 * bytes. Used in one thread only.
 */
typedef struct _KvHttpFrameCache KvHttpFrameCache;

KvHttpFrameCache *kv_http_frame_cache_new (KvHttpFrameShape shape);
void kv_http_frame_cache_free (KvHttpFrameCache *cache);

/**
 * kv_http_frame_cache_get_change:
 * @change: a change; of one store only, as its sequence, and whether it is the last of its revision, are what it is known by
 *
 * Returns: (transfer full): the frame, as kv_http_frame_new_change() or kv_http_json_frame_new_change() makes it
 */
GBytes *kv_http_frame_cache_get_change (KvHttpFrameCache *cache, const KvChange *change);

/**
 * kv_http_frame_cache_get_snapshot:
 * @key: the key, NUL-terminated
 * @entry: (nullable): what it holds, or %NULL, for which only the contract's shape has a frame
 *
 * Returns: (transfer full): the frame, as kv_http_frame_new_snapshot() or kv_http_json_frame_new_snapshot() makes it
 */
GBytes *kv_http_frame_cache_get_snapshot (KvHttpFrameCache *cache, const char *key, KvEntry *entry);

/**
 * kv_http_frame_cache_get_progress:
 * @revision: how far many streams have come
 *
 * Returns: (transfer full): the frame, as kv_http_json_frame_new_progress() makes it
 */
GBytes *kv_http_frame_cache_get_progress (KvHttpFrameCache *cache, guint64 revision);

/**
 * kv_http_frame_cache_clear:
 *
 * Lets all frames go; streams that still send one hold on to it.
 */
void kv_http_frame_cache_clear (KvHttpFrameCache *cache);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvHttpFrameCache, kv_http_frame_cache_free)

G_END_DECLS
