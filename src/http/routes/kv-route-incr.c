/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-incr.h"

#include "http/kv-http-keyed.h"
#include "http/kv-http-parameters.h"

static void
answer (KvStore *store,
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
      kv_http_keyed_send_value (exchange, results[0].status == KV_RESULT_CREATED ? 201 : 200,
                                g_steal_pointer (&results[0].entry));
    }
}

void
kv_route_incr_post (KvHttpExchange *exchange)
{
  static const KvHttpParameter by = { "by", KV_HTTP_PARAMETER_INTEGER };
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;
  KvHttpArgument argument;
  KvHttpKey key;

  if (!kv_http_parameters_read (exchange->query, &by, 1, &argument, &error)
      || !kv_http_keyed_read_key (exchange, &key, &error)
      || !kv_operation_init (&operation, KV_OPERATION_INCREMENT, key.text, (gssize) key.length,
                             &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  operation.delta = argument.given ? argument.integer : 1;
  kv_http_keyed_submit (exchange, &operation, answer);
}
