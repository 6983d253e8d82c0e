/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-health.h"

#include "core/kv-error.h"
#include "store/kv-store-figures.h"

static void
send_ok (KvHttpExchange *exchange)
{
  exchange->response.body = "ok\n";
  kv_http_exchange_add_header (exchange, "Content-Type", "text/plain; charset=utf-8");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_send (exchange, 200);
}

void
kv_route_health_get_alive (KvHttpExchange *exchange)
{
  send_ok (exchange);
}

/* There is no HTTP before the other door is open and the keys are loaded, so what is left to ask is whether writes are
 * taken. */
void
kv_route_health_get_ready (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;

  if (exchange->context->stopping)
    g_set_error_literal (&error, KV_ERROR, KV_ERROR_UNAVAILABLE, "The service is stopping");
  if (error == NULL && kv_store_check_writable (exchange->context->store, &error))
    send_ok (exchange);
  else
    kv_http_exchange_send_error (exchange, error);
}
