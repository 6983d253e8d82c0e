/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-dump.h"

#include "backup/kv-dump-writer.h"
#include "backup/kv-dump.h"
#include "http/kv-http-parameters.h"
#include "http/stream/kv-http-dump.h"

static void
add_headers (KvHttpExchange *exchange, guint64 revision)
{
  kv_http_exchange_add_header (exchange, "Content-Type", KV_DUMP_CONTENT_TYPE);
  kv_http_exchange_add_header (
    exchange, "Content-Disposition",
    kv_http_exchange_scratch (
      exchange, "attachment; filename=\"kvstore-%" G_GUINT64_FORMAT ".ndjson\"", revision));
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-store");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
}

void
kv_route_dump_get (KvHttpExchange *exchange)
{
  KvStore *store = exchange->context->store;
  g_autoptr (GError) error = NULL;
  KvDumpWriter *writer;

  if (!kv_http_parameters_read_none (exchange->query, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  if (exchange->method == KV_HTTP_HEAD)
    {
      add_headers (exchange, kv_store_get_revision (store));
      exchange->response.endless = TRUE;
      kv_http_exchange_send (exchange, 200);
      return;
    }
  writer = kv_dump_writer_new (kv_snapshot_new (store));
  add_headers (exchange, kv_dump_writer_get_revision (writer));
  kv_http_dump_group_open (exchange->context->dumps, exchange, writer);
}
