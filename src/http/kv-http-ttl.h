/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-parameters.h"

G_BEGIN_DECLS

/**
 * kv_http_ttl_to_deadline:
 * @seconds: a time to live
 *
 * Returns: the deadline, %KV_NO_DEADLINE when it lies past the clock's range
 */
gint64 kv_http_ttl_to_deadline (guint64 seconds);

/**
 * kv_http_ttl_from_query:
 * @query: a query as it came, or no data
 * @deadline: (out): when what is put will expire; %KV_NO_DEADLINE without a `ttl`
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when `ttl` is there twice or is no whole number of
 *   seconds
 */
gboolean kv_http_ttl_from_query (KvHttpSpan query, gint64 *deadline, GError **error);

/**
 * kv_http_ttl_from_arguments:
 * @ttl: of the kind SECONDS
 * @expires_at: of the kind TIME, which excludes @ttl
 *
 * What the parameters of a route under `/v1` come to.
 *
 * Returns: the deadline; %KV_NO_DEADLINE where neither is given. What lies in the past expires at once
 */
gint64 kv_http_ttl_from_arguments (const KvHttpArgument *ttl, const KvHttpArgument *expires_at);

G_END_DECLS
