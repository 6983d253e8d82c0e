/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * KvHttpBodyKind:
 * @KV_HTTP_BODY_NONE: the request's body, if it has one, means nothing
 * @KV_HTTP_BODY_VALUE: it is a value
 * @KV_HTTP_BODY_JSON: it is JSON, and must be called so
 * @KV_HTTP_BODY_STREAM: it is lines of JSON, must be called so, has no limit, and goes to the route's sink as it comes
 */
typedef enum {
  KV_HTTP_BODY_NONE,
  KV_HTTP_BODY_VALUE,
  KV_HTTP_BODY_JSON,
  KV_HTTP_BODY_STREAM,
} KvHttpBodyKind;

/**
 * KvHttpHandler:
 * @exchange: admitted, with its body
 *
 * Answers @exchange, exactly once, before or after it returns.
 */
typedef void (*KvHttpHandler) (KvHttpExchange *exchange);

/**
 * KvHttpRoute:
 * @pattern: a path; a last segment of `{key}` stands for any one segment
 * @method: the method; one for GET answers HEAD too
 * @handler: what answers
 * @body: what the request's body is
 * @sink: (nullable): where it goes, if it is a stream
 * @prefix: bytes of @pattern before its `{key}`; all of them where it has none
 * @number: which line it is, from 1 on, below %KV_HTTP_N_ROUTES; 0 stands for none
 *
 * A line of the routing table.
 */
struct _KvHttpRoute {
  const char *pattern;
  KvHttpMethod method;
  KvHttpHandler handler;
  KvHttpBodyKind body;
  const KvHttpSink *sink;
  guint prefix;
  guint number;
};

/**
 * kv_http_router_find:
 * @path: the target's path as it came
 * @method: the request's method
 * @known: (out): whether some method is answered at @path
 *
 * Returns: (transfer none) (nullable): the route of @path and @method; %NULL where the answer is
 * 404 or 405
 */
const KvHttpRoute *kv_http_router_find (KvHttpSpan path, KvHttpMethod method, gboolean *known);

/**
 * kv_http_router_has_key:
 *
 * Returns: whether the pattern of @route ends with `{key}`
 */
static inline gboolean
kv_http_router_has_key (const KvHttpRoute *route)
{
  return route->pattern[route->prefix] != '\0';
}

/**
 * KV_HTTP_N_ROUTES:
 *
 * How many lines there can be, the one for `OPTIONS` and none at all included.
 */
#define KV_HTTP_N_ROUTES 64

/**
 * kv_http_router_get_route:
 *
 * Returns: (transfer none) (nullable): the route of that number, if there is one
 */
const KvHttpRoute *kv_http_router_get_route (guint number);

/**
 * kv_http_router_is_probe:
 *
 * Returns: whether @path is one of those that tell how the service is, which are answered also when a client has used up its
 *   allowance
 */
gboolean kv_http_router_is_probe (KvHttpSpan path);

/**
 * kv_http_router_get_segment:
 * @exchange: one whose route's pattern ends with `{key}`
 *
 * Returns: the segment that stands for the key, not decoded
 */
KvHttpSpan kv_http_router_get_segment (const KvHttpExchange *exchange);

/**
 * kv_http_router_add_allow:
 * @exchange: one whose path is known
 *
 * Adds the `Allow` header to the response (RFC 9110, section 10.2.1).
 */
void kv_http_router_add_allow (KvHttpExchange *exchange);

G_END_DECLS
