/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/stream/kv-http-frame.h"

G_BEGIN_DECLS

/* The frames of `/v1/watch` (docs/v1.md): a word and one line of JSON, which escapes whatever would end the line. Pure but
 * for the wall clock, by which they tell when a key expires. A shape without %KV_HTTP_FRAME_JSON makes none of them. */

/**
 * KV_HTTP_JSON_FRAME_RETRY:
 *
 * What such a stream begins with: that a client which was cut off is to come back after a second. It is no event.
 */
#define KV_HTTP_JSON_FRAME_RETRY "retry: 1000\n\n"

/**
 * kv_http_json_frame_new_snapshot:
 * @entry: what a key holds
 *
 * Returns: (transfer full): a `put` that says that it belongs to a snapshot, without an id
 */
GBytes *kv_http_json_frame_new_snapshot (const KvEntry *entry, KvHttpFrameShape shape);

/**
 * kv_http_json_frame_new_change:
 * @change: a change
 *
 * Returns: (transfer full): `put`, `delete` or `expired`, with the revision as its id where it is the last of it
 */
GBytes *kv_http_json_frame_new_change (const KvChange *change, KvHttpFrameShape shape);

/**
 * kv_http_json_frame_new_late:
 * @change: a change that came while a snapshot was made, which it belongs to
 *
 * Returns: (transfer full): what the snapshot has to say of the key now, without an id
 */
GBytes *kv_http_json_frame_new_late (const KvChange *change, KvHttpFrameShape shape);

/**
 * kv_http_json_frame_new_snapshot_end:
 * @revision: what the snapshot is of
 *
 * Returns: (transfer full): `snapshot_end`, with that as its id
 */
GBytes *kv_http_json_frame_new_snapshot_end (guint64 revision);

/**
 * kv_http_json_frame_new_progress:
 * @revision: up to which everything has been told
 *
 * Returns: (transfer full): `progress`, with that as its id
 */
GBytes *kv_http_json_frame_new_progress (guint64 revision);

/**
 * kv_http_json_frame_new_reset:
 * @oldest: the oldest revision after which a stream could have begun
 * @current: the revision of the last change
 *
 * Returns: (transfer full): `reset`, without an id: who is cut off before the snapshot is whole has to begin anew once more
 */
GBytes *kv_http_json_frame_new_reset (guint64 oldest, guint64 current);

G_END_DECLS
