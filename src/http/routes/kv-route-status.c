/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-status.h"

#include "kv-config.h"
#include "store/kv-status.h"

/* Nothing in the texts needs an escape. */
static GBytes *
describe (const KvStoreStatus *status)
{
  KvStatusFigure figures[KV_STATUS_N_FIGURES];
  g_autofree char *uptime = kv_status_format_uptime (status);
  g_autofree char *now = kv_status_format_now ();
  GString *json = g_string_sized_new (512);

  kv_status_get_figures (status, figures);
  g_string_append_printf (json, "{\"status\":\"OK\",\"uptime\":\"%s\",", uptime);
  for (guint i = 0; i < KV_STATUS_N_FIGURES; i++)
    g_string_append_printf (json, "\"%s\":%" G_GUINT64_FORMAT ",", figures[i].name,
                            figures[i].value);
  g_string_append_printf (json, "\"server_time\":\"%s\",\"version\":\"%s\"}", now, KV_VERSION);
  return g_string_free_to_bytes (json);
}

void
kv_route_status_get (KvHttpExchange *exchange)
{
  KvStoreStatus status;

  kv_store_get_status (exchange->context->store, &status);
  exchange->response.body_bytes = describe (&status);
  kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_send (exchange, 200);
}
