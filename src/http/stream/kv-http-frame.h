/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-change.h"

G_BEGIN_DECLS

/* The frames of the contract's event streams (WHATWG HTML, section 9.2; docs/sse.md). Pure: what
 * goes in decides what comes out. */

/**
 * KvHttpFrameShape:
 * @KV_HTTP_FRAME_LINES: the contract's frames, below; alone
 * @KV_HTTP_FRAME_JSON: those of `/v1/watch`, see kv-http-json-frame.h; perhaps with those that follow
 * @KV_HTTP_FRAME_VALUES: with values
 * @KV_HTTP_FRAME_PREVIOUS: with what was there before
 *
 * What the frames of a stream look like.
 */
typedef enum {
  KV_HTTP_FRAME_LINES = 0,
  KV_HTTP_FRAME_JSON = 1 << 0,
  KV_HTTP_FRAME_VALUES = 1 << 1,
  KV_HTTP_FRAME_PREVIOUS = 1 << 2,
} KvHttpFrameShape;

/* All sums of these are below it. */
#define KV_HTTP_N_FRAME_SHAPES 8

/**
 * kv_http_frame_new_snapshot:
 * @key: the key, NUL-terminated
 * @entry: (nullable): what it holds, or %NULL
 *
 * Returns: (transfer full): the frame `WATCH`, which has no id
 */
GBytes *kv_http_frame_new_snapshot (const char *key, const KvEntry *entry);

/**
 * kv_http_frame_new_change:
 * @change: a change
 *
 * The revision is the frame's id. Of a transaction's changes only the last that the stream tells has one,
 * so that a client which resumes after an id has had all that belongs to it.
 *
 * Returns: (transfer full): the frame
 */
GBytes *kv_http_frame_new_change (const KvChange *change);

/**
 * kv_http_frame_new_comment:
 *
 * Returns: (transfer full): a comment without text, which keeps a stream alive
 */
GBytes *kv_http_frame_new_comment (void);

G_END_DECLS
