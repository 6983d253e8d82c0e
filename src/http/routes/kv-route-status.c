/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-status.h"

#include "kv-config.h"

/* As people write it, the largest unit first and without those that are nought: "1m 2s 3ms". */
static char *
format_uptime (gint64 microseconds)
{
  static const struct {
    gint64 length;
    const char *name;
  } units[] = {
    { G_GINT64_CONSTANT (86400000), "d" },
    { 3600000, "h" },
    { 60000, "m" },
    { 1000, "s" },
    { 1, "ms" },
  };
  GString *text = g_string_new (NULL);
  gint64 rest = microseconds / 1000;

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (rest >= units[i].length)
        g_string_append_printf (text, "%s%" G_GINT64_FORMAT "%s", text->len > 0 ? " " : "",
                                rest / units[i].length, units[i].name);
      rest %= units[i].length;
    }
  return g_string_free (text->len > 0 ? text : g_string_append (text, "0s"), FALSE);
}

static void
append_figure (GString *json, const char *name, guint64 value)
{
  g_string_append_printf (json, "\"%s\":%" G_GUINT64_FORMAT ",", name, value);
}

static char *
format_now (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  return g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%f%:z");
}

/* Nothing in the texts needs an escape. */
static GBytes *
describe (const KvStoreStatus *status)
{
  guint64 swaps = status->swaps_succeeded + status->swaps_failed;
  g_autofree char *uptime = format_uptime (status->uptime);
  g_autofree char *now = format_now ();
  GString *json = g_string_sized_new (512);

  g_string_append_printf (json, "{\"status\":\"OK\",\"uptime\":\"%s\",", uptime);
  append_figure (json, "total_keys", status->keys);
  append_figure (json, "total_operations", status->gets + status->puts + status->deletes + swaps);
  append_figure (json, "get_operations", status->gets);
  append_figure (json, "put_operations", status->puts);
  append_figure (json, "delete_operations", status->deletes);
  append_figure (json, "cas_operations", swaps);
  append_figure (json, "successful_cas_operations", status->swaps_succeeded);
  append_figure (json, "failed_cas_operations", status->swaps_failed);
  append_figure (json, "watch_requests_count", status->watches);
  append_figure (json, "batch_requests_count", status->batches);
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
