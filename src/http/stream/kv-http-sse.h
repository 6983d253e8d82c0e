/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"
#include "http/stream/kv-http-frame.h"

G_BEGIN_DECLS

/**
 * KvSseGroup:
 *
 * The event streams of one worker (WHATWG HTML, "server-sent events"). They share frames, encoded
 * once a change, and one timer for the keep-alive comments. Used in the worker's thread only.
 */

/**
 * kv_sse_group_new:
 * @poller: of the worker; outlives the group
 * @limits: likewise
 */
KvSseGroup *kv_sse_group_new (KvHttpPoller *poller, const KvHttpLimits *limits);

/**
 * kv_sse_group_set_meter:
 * @meter: (borrowed): where the streams are counted from now on
 */
void kv_sse_group_set_meter (KvSseGroup *group, KvHttpMeter *meter);

/**
 * KvSseRequest:
 * @keys: (array zero-terminated=1) (nullable): as kv_watch_new() has it, and so are @prefixes and @since
 * @must_resume: whether there is to be no stream where the changes after @since are not all there any more
 * @shape: of its frames
 *
 * What a stream is to tell.
 */
typedef struct {
  const char *const *keys;
  const char *const *prefixes;
  guint64 since;
  gboolean must_resume;
  KvHttpFrameShape shape;
} KvSseRequest;

/**
 * kv_sse_group_open:
 * @exchange: a request for a watch
 * @error: as kv_watch_new() has it, or %KV_ERROR_CONDITION_FAILED where it must resume and cannot; the exchange is not over then
 *
 * Turns @exchange into a stream, which ends when the client leaves or the group is closed.
 */
gboolean kv_sse_group_open (KvSseGroup *group,
                            KvHttpExchange *exchange,
                            const KvSseRequest *request,
                            GError **error);

/**
 * kv_sse_group_close_all:
 *
 * Ends every stream at the end of a frame, as far as its client takes it without waiting.
 */
void kv_sse_group_close_all (KvSseGroup *group);

/**
 * kv_sse_group_free:
 *
 * Closes what is still open.
 */
void kv_sse_group_free (KvSseGroup *group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSseGroup, kv_sse_group_free)

G_END_DECLS
