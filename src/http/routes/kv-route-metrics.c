/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-metrics.h"

#include "http/kv-http-accept.h"

/* How many requests it counts for. All who ask share an allowance of their own: a client that has used up its own, which
 * on one machine is everybody's at 127.0.0.1, does not keep them from seeing that. */
#define COST 32

static gboolean
admit (KvHttpExchange *exchange)
{
  guint retry_after;

  if (exchange->context->scrapers == NULL
      || kv_rate_bucket_admit (exchange->context->scrapers, COST, &retry_after))
    return TRUE;
  kv_http_exchange_refuse (exchange, 429, "The figures are asked for too often; see Retry-After");
  kv_http_exchange_add_header (exchange, "Retry-After",
                               kv_http_exchange_scratch (exchange, "%u", retry_after));
  return FALSE;
}

static KvMetricsFormat
choose_format (KvHttpExchange *exchange)
{
  KvHttpSpan accept = kv_http_exchange_get_header (exchange, "accept");

  if (kv_http_accept_get_quality (accept, "text/plain")
      > kv_http_accept_get_quality (accept, "application/openmetrics-text"))
    return KV_METRICS_PROMETHEUS;
  return KV_METRICS_OPENMETRICS;
}

void
kv_route_metrics_get (KvHttpExchange *exchange)
{
  KvMetricsFormat format = choose_format (exchange);

  if (exchange->context->metrics == NULL)
    {
      kv_http_exchange_refuse (exchange, 404, "There are no figures");
      kv_http_exchange_send (exchange, 404);
      return;
    }
  if (!admit (exchange))
    {
      kv_http_exchange_send (exchange, 429);
      return;
    }
  exchange->response.body_bytes = kv_metrics_render (exchange->context->metrics, format);
  kv_http_exchange_add_header (exchange, "Content-Type",
                               kv_metrics_format_get_content_type (format));
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_add_header (exchange, "Vary", "Accept");
  kv_http_exchange_send (exchange, 200);
}
