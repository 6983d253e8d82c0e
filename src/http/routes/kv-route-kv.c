/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-kv.h"

#include "http/kv-http-keyed.h"
#include "http/kv-http-parameters.h"
#include "http/kv-http-ttl.h"

void
kv_route_kv_get (KvHttpExchange *exchange)
{
  g_autoptr (KvEntry) entry = NULL;
  g_autoptr (GError) error = NULL;
  KvHttpKey key;

  if (!kv_http_parameters_read_none (exchange->query, &error)
      || !kv_http_keyed_read_key (exchange, &key, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  entry = kv_store_lookup (exchange->context->store, key.text, (gssize) key.length);
  if (entry == NULL)
    {
      kv_http_keyed_refuse_missing (exchange);
      return;
    }
  if (exchange->conditional && kv_http_keyed_meet_conditions (exchange, entry))
    return;
  kv_http_exchange_add_entry (exchange, entry);
  kv_http_keyed_send_value (exchange, 200, g_steal_pointer (&entry));
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
    kv_http_exchange_send_error (exchange, error);
  else if (!kv_http_keyed_refuse (exchange, &results[0], FALSE))
    {
      kv_http_exchange_add_entry (exchange, results[0].entry);
      kv_http_keyed_send_previous (exchange, &results[0],
                                   results[0].status == KV_RESULT_CREATED ? 201 : 204);
    }
}

static gboolean
read_put (KvHttpExchange *exchange, KvOperation *operation, GError **error)
{
  enum {
    TTL,
    EXPIRES_AT,
    KEEPTTL,
    PREV,
    N_PARAMETERS
  };
  static const KvHttpParameter parameters[N_PARAMETERS] = {
    [TTL] = { "ttl", KV_HTTP_PARAMETER_SECONDS, .group = 1 },
    [EXPIRES_AT] = { "expires_at", KV_HTTP_PARAMETER_TIME, .group = 1 },
    [KEEPTTL] = { "keepttl", KV_HTTP_PARAMETER_FLAG, .group = 1 },
    [PREV] = { "prev", KV_HTTP_PARAMETER_FLAG },
  };
  KvHttpSpan value = exchange->body;
  KvHttpArgument arguments[N_PARAMETERS];
  KvHttpKey key;

  if (!kv_http_parameters_read (exchange->query, parameters, N_PARAMETERS, arguments, error)
      || !kv_http_keyed_read_key (exchange, &key, error)
      || !kv_http_exchange_check_value (exchange, value.length, NULL, "The value is too long",
                                        error)
      || !kv_operation_init_put (
        operation, key.text, (gssize) key.length, value.data != NULL ? value.data : "",
        (gssize) value.length, kv_http_ttl_from_arguments (&arguments[TTL], &arguments[EXPIRES_AT]),
        error))
    return FALSE;
  operation->keep_deadline = arguments[KEEPTTL].flag;
  operation->want_previous = arguments[PREV].flag;
  operation->want_entry = TRUE;
  return TRUE;
}

void
kv_route_kv_put (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;

  if (read_put (exchange, &operation, &error))
    kv_http_keyed_submit (exchange, &operation, answer_put);
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
  else if (!kv_http_keyed_refuse (exchange, &results[0], TRUE))
    {
      /* There is nothing left that could have a tag. */
      kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
      kv_http_exchange_add_header (
        exchange, "KV-Revision",
        kv_http_exchange_scratch (exchange, "%" G_GUINT64_FORMAT, results[0].revision));
      kv_http_keyed_send_previous (exchange, &results[0], 204);
    }
}

static gboolean
read_delete (KvHttpExchange *exchange, KvOperation *operation, GError **error)
{
  static const KvHttpParameter prev = { "prev", KV_HTTP_PARAMETER_FLAG };
  KvHttpArgument argument;
  KvHttpKey key;

  if (!kv_http_parameters_read (exchange->query, &prev, 1, &argument, error)
      || !kv_http_keyed_read_key (exchange, &key, error)
      || !kv_operation_init (operation, KV_OPERATION_DELETE, key.text, (gssize) key.length, error))
    return FALSE;
  operation->want_previous = argument.flag;
  return TRUE;
}

void
kv_route_kv_delete (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;

  if (read_delete (exchange, &operation, &error))
    kv_http_keyed_submit (exchange, &operation, answer_delete);
  else
    kv_http_exchange_send_error (exchange, error);
}
