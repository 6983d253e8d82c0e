/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-store.h"

#include "http/kv-http-router.h"
#include "http/kv-http-ttl.h"
#include "http/kv-http-uri.h"

static gboolean
read_key (KvHttpExchange *exchange, KvHttpKey *key, GError **error)
{
  return kv_http_uri_decode_key (kv_http_router_get_segment (exchange), key, error);
}

void
kv_route_store_get (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  KvHttpKey key;
  KvEntry *entry;

  if (!read_key (exchange, &key, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  entry = kv_store_lookup (exchange->context->store, key.text, (gssize) key.length);
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
  if (entry == NULL)
    {
      kv_http_exchange_send (exchange, 404);
      return;
    }
  kv_http_exchange_add_header (exchange, "Content-Type", "text/plain; charset=utf-8");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  kv_http_exchange_add_revision (exchange, kv_entry_get_revision (entry));
  exchange->response.body_entry = entry;
  kv_http_exchange_send (exchange, 200);
}

static void
answer_put (KvStore *store,
            KvResult *results,
            guint length,
            gboolean committed,
            const GError *error,
            gpointer user_data)
{
  KvHttpExchange *exchange = user_data;

  if (error != NULL)
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  kv_http_exchange_add_revision (exchange, results[0].revision);
  kv_http_exchange_send (exchange, results[0].status == KV_RESULT_CREATED ? 201 : 204);
}

static gboolean
read_put (KvHttpExchange *exchange, KvOperation *operation, GError **error)
{
  KvHttpSpan value = exchange->body;
  KvHttpKey key;
  gint64 deadline;

  if (!read_key (exchange, &key, error)
      || !kv_http_ttl_from_query (exchange->query, &deadline, error))
    return FALSE;
  if (!kv_http_exchange_check_value (exchange, value.length, NULL, "The value is too long", error))
    return FALSE;
  return kv_operation_init_put (operation, key.text, (gssize) key.length,
                                value.data != NULL ? value.data : "", (gssize) value.length,
                                deadline, error);
}

void
kv_route_store_put (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;

  if (read_put (exchange, &operation, &error))
    kv_store_submit (exchange->context->store, &operation, 1, FALSE, answer_put, exchange);
  else
    kv_http_exchange_send_error (exchange, error);
}

static void
answer_delete (KvStore *store,
               KvResult *results,
               guint length,
               gboolean committed,
               const GError *error,
               gpointer user_data)
{
  KvHttpExchange *exchange = user_data;

  if (error != NULL)
    kv_http_exchange_send_error (exchange, error);
  else
    kv_http_exchange_send (exchange, results[0].status == KV_RESULT_DELETED ? 204 : 404);
}

void
kv_route_store_delete (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;
  KvHttpKey key;

  if (read_key (exchange, &key, &error)
      && kv_operation_init (&operation, KV_OPERATION_DELETE, key.text, (gssize) key.length, &error))
    kv_store_submit (exchange->context->store, &operation, 1, FALSE, answer_delete, exchange);
  else
    kv_http_exchange_send_error (exchange, error);
}
