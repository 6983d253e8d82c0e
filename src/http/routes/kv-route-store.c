/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-store.h"

#include "http/kv-http-keyed.h"
#include "http/kv-http-refusal.h"
#include "http/kv-http-ttl.h"

/* That the key is not there is an answer, not a fault: its status says all, unless somebody wants to have it in words. */
static void
refuse_missing (KvHttpExchange *exchange, gboolean to_get)
{
  if (kv_http_refusal_wants_problem (exchange))
    {
      kv_http_keyed_refuse_missing (exchange);
      return;
    }
  if (to_get)
    kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
  kv_http_exchange_send (exchange, 404);
}

void
kv_route_store_get (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  KvHttpKey key;
  KvEntry *entry;

  if (!kv_http_keyed_read_key (exchange, &key, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  entry = kv_store_lookup (exchange->context->store, key.text, (gssize) key.length);
  if (entry == NULL)
    {
      refuse_missing (exchange, TRUE);
      return;
    }
  if (G_UNLIKELY (exchange->conditional) && kv_http_keyed_meet_conditions (exchange, entry))
    {
      kv_entry_unref (entry);
      return;
    }
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
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
  if (G_UNLIKELY (results[0].status == KV_RESULT_CONDITION_FAILED))
    {
      kv_http_keyed_refuse_condition (exchange, results[0].entry);
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

  if (!kv_http_keyed_read_key (exchange, &key, error)
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

  if (!read_put (exchange, &operation, &error))
    kv_http_exchange_send_error (exchange, error);
  else if (G_UNLIKELY (exchange->conditional))
    kv_http_keyed_submit (exchange, &operation, answer_put);
  else
    kv_store_submit (exchange->context->store, &operation, 1, FALSE, answer_put, exchange);
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
  else if (results[0].status == KV_RESULT_DELETED)
    kv_http_exchange_send (exchange, 204);
  else if (results[0].entry != NULL)
    kv_http_keyed_refuse_condition (exchange, results[0].entry);
  else
    refuse_missing (exchange, FALSE);
}

void
kv_route_store_delete (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;
  KvHttpKey key;

  if (kv_http_keyed_read_key (exchange, &key, &error)
      && kv_operation_init (&operation, KV_OPERATION_DELETE, key.text, (gssize) key.length, &error))
    kv_http_keyed_submit (exchange, &operation, answer_delete);
  else
    kv_http_exchange_send_error (exchange, error);
}
