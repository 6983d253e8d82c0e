/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-router.h"

#include "http/routes/kv-route-batch.h"
#include "http/routes/kv-route-cas.h"
#include "http/routes/kv-route-dump.h"
#include "http/routes/kv-route-events.h"
#include "http/routes/kv-route-health.h"
#include "http/routes/kv-route-incr.h"
#include "http/routes/kv-route-keys.h"
#include "http/routes/kv-route-kv.h"
#include "http/routes/kv-route-metrics.h"
#include "http/routes/kv-route-openapi.h"
#include "http/routes/kv-route-restore.h"
#include "http/routes/kv-route-status.h"
#include "http/routes/kv-route-store.h"
#include "http/routes/kv-route-swap.h"
#include "http/routes/kv-route-touch.h"
#include "http/routes/kv-route-txn.h"
#include "http/routes/kv-route-watch.h"

#include <string.h>

static void answer_options (KvHttpExchange *exchange);

/* No path matches two patterns: a key is one segment, so "/store/cas" is the key "cas", and
 * "/store/cas/x" is no key. */
#define KEY "{key}"
#define ROUTE(path, method, handler, body)                                                         \
  {                                                                                                \
    path, method, handler, body, NULL, sizeof (path) - 1, __COUNTER__ - NO_NUMBER                  \
  }
#define STREAM_ROUTE(path, method, handler, sink)                                                  \
  {                                                                                                \
    path, method, handler, KV_HTTP_BODY_STREAM, sink, sizeof (path) - 1, __COUNTER__ - NO_NUMBER   \
  }
#define KEY_ROUTE(path, method, handler, body)                                                     \
  {                                                                                                \
    path KEY, method, handler, body, NULL, sizeof (path) - 1, __COUNTER__ - NO_NUMBER              \
  }

/* The compiler counts the lines below, from the one after this. */
enum {
  NO_NUMBER = __COUNTER__
};

static const KvHttpRoute routes[] = {
  KEY_ROUTE ("/store/", KV_HTTP_GET, kv_route_store_get, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/store/", KV_HTTP_PUT, kv_route_store_put, KV_HTTP_BODY_VALUE),
  KEY_ROUTE ("/store/", KV_HTTP_DELETE, kv_route_store_delete, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/store/cas/", KV_HTTP_POST, kv_route_cas_post, KV_HTTP_BODY_JSON),
  KEY_ROUTE ("/watch_key/", KV_HTTP_GET, kv_route_watch_get, KV_HTTP_BODY_NONE),
  ROUTE ("/watch", KV_HTTP_POST, kv_route_watch_post, KV_HTTP_BODY_JSON),
  ROUTE ("/batch", KV_HTTP_POST, kv_route_batch_post, KV_HTTP_BODY_JSON),
  ROUTE ("/status", KV_HTTP_GET, kv_route_status_get, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/v1/kv/", KV_HTTP_GET, kv_route_kv_get, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/v1/kv/", KV_HTTP_PUT, kv_route_kv_put, KV_HTTP_BODY_VALUE),
  KEY_ROUTE ("/v1/kv/", KV_HTTP_DELETE, kv_route_kv_delete, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/v1/touch/", KV_HTTP_POST, kv_route_touch_post, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/v1/incr/", KV_HTTP_POST, kv_route_incr_post, KV_HTTP_BODY_NONE),
  KEY_ROUTE ("/v1/cas/", KV_HTTP_POST, kv_route_swap_post, KV_HTTP_BODY_JSON),
  ROUTE ("/v1/watch", KV_HTTP_GET, kv_route_events_get, KV_HTTP_BODY_NONE),
  ROUTE ("/metrics", KV_HTTP_GET, kv_route_metrics_get, KV_HTTP_BODY_NONE),
  ROUTE ("/healthz", KV_HTTP_GET, kv_route_health_get_alive, KV_HTTP_BODY_NONE),
  ROUTE ("/readyz", KV_HTTP_GET, kv_route_health_get_ready, KV_HTTP_BODY_NONE),
  ROUTE ("/v1/keys", KV_HTTP_GET, kv_route_keys_get, KV_HTTP_BODY_NONE),
  ROUTE ("/v1/txn", KV_HTTP_POST, kv_route_txn_post, KV_HTTP_BODY_JSON),
  ROUTE ("/openapi.json", KV_HTTP_GET, kv_route_openapi_get, KV_HTTP_BODY_NONE),
  ROUTE ("/v1/dump", KV_HTTP_GET, kv_route_dump_get, KV_HTTP_BODY_NONE),
  STREAM_ROUTE ("/v1/restore", KV_HTTP_POST, kv_route_restore_post, &kv_route_restore_sink),
};

static const KvHttpRoute options_route =
  ROUTE ("*", KV_HTTP_OPTIONS, answer_options, KV_HTTP_BODY_NONE);

/* The byte behind the first slash tells most of them apart. */
static inline gboolean
matches (const KvHttpRoute *route, KvHttpSpan path)
{
  if (path.length < route->prefix || path.data[1] != route->pattern[1]
      || memcmp (path.data, route->pattern, route->prefix) != 0)
    return FALSE;
  if (!kv_http_router_has_key (route))
    return path.length == route->prefix;
  return memchr (path.data + route->prefix, '/', path.length - route->prefix) == NULL;
}

/* `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7); the parser lets no other method say it. */
static gboolean
is_whole_server (KvHttpSpan path)
{
  return path.length == 1 && *path.data == '*';
}

const KvHttpRoute *
kv_http_router_find (KvHttpSpan path, KvHttpMethod method, gboolean *known)
{
  KvHttpMethod wanted = method == KV_HTTP_HEAD ? KV_HTTP_GET : method;

  *known = method == KV_HTTP_OPTIONS && is_whole_server (path);
  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    if (matches (&routes[i], path))
      {
        *known = TRUE;
        if (routes[i].method == wanted)
          return &routes[i];
      }
  return *known && method == KV_HTTP_OPTIONS ? &options_route : NULL;
}

/* The last number is that of the one for OPTIONS. */
G_STATIC_ASSERT (G_N_ELEMENTS (routes) + 2 <= KV_HTTP_N_ROUTES);

const KvHttpRoute *
kv_http_router_get_route (guint number)
{
  if (number >= 1 && number <= G_N_ELEMENTS (routes))
    return &routes[number - 1];
  return number == G_N_ELEMENTS (routes) + 1 ? &options_route : NULL;
}

gboolean
kv_http_router_is_probe (KvHttpSpan path)
{
  static const char *const probes[] = { "/healthz", "/readyz", "/metrics" };

  for (guint i = 0; i < G_N_ELEMENTS (probes); i++)
    if (path.length == strlen (probes[i]) && memcmp (path.data, probes[i], path.length) == 0)
      return TRUE;
  return FALSE;
}

KvHttpSpan
kv_http_router_get_segment (const KvHttpExchange *exchange)
{
  gsize prefix = exchange->route->prefix;

  return (KvHttpSpan){ exchange->path.data + prefix, exchange->path.length - prefix };
}

void
kv_http_router_add_allow (KvHttpExchange *exchange)
{
  static const struct {
    KvHttpMethod method;
    const char *names;
  } methods[] = {
    { KV_HTTP_GET, "GET, HEAD, " },
    { KV_HTTP_PUT, "PUT, " },
    { KV_HTTP_POST, "POST, " },
    { KV_HTTP_DELETE, "DELETE, " },
  };
  const char *names[G_N_ELEMENTS (methods)];
  gboolean known;

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    names[i] = is_whole_server (exchange->path)
                   || kv_http_router_find (exchange->path, methods[i].method, &known) != NULL
                 ? methods[i].names
                 : "";
  kv_http_exchange_add_header (
    exchange, "Allow",
    kv_http_exchange_scratch (exchange, "%s%s%s%sOPTIONS", names[0], names[1], names[2], names[3]));
}

static void
answer_options (KvHttpExchange *exchange)
{
  kv_http_router_add_allow (exchange);
  kv_http_exchange_send (exchange, 204);
}
