/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* Event streams; docs/sse.md is their guide. With `Last-Event-ID` a stream goes on after that
 * event. */

/**
 * kv_route_watch_get:
 *
 * `/watch_key/{key}`: a stream of the changes of one key.
 */
void kv_route_watch_get (KvHttpExchange *exchange);

/**
 * kv_route_watch_post:
 *
 * `/watch` with `["k1","k2",…]`: one stream of the changes of all these keys.
 */
void kv_route_watch_post (KvHttpExchange *exchange);

/* For `/v1/watch`, too. */

/**
 * kv_route_watch_read_last_id:
 * @since: (out): the `Last-Event-ID`, or %KV_WATCH_FROM_NOW where there is none
 * @error: set to %KV_ERROR_INVALID_ARGUMENT
 */
gboolean kv_route_watch_read_last_id (KvHttpExchange *exchange, guint64 *since, GError **error);

/**
 * kv_route_watch_answer_head:
 *
 * Answers a HEAD with what a stream's head would be.
 */
void kv_route_watch_answer_head (KvHttpExchange *exchange);

G_END_DECLS
