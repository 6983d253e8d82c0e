/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-touch.h"

#include "core/kv-error-details.h"
#include "http/kv-http-keyed.h"
#include "http/kv-http-ttl.h"

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
  else if (!kv_http_keyed_refuse (exchange, &results[0], TRUE))
    {
      kv_http_exchange_add_entry (exchange, results[0].entry);
      kv_http_exchange_send (exchange, 204);
    }
}

static gboolean
read_deadline (KvHttpSpan query, gint64 *deadline, GError **error)
{
  enum {
    TTL,
    EXPIRES_AT,
    PERSIST,
    N_PARAMETERS
  };
  static const KvHttpParameter parameters[N_PARAMETERS] = {
    [TTL] = { "ttl", KV_HTTP_PARAMETER_SECONDS, .group = 1 },
    [EXPIRES_AT] = { "expires_at", KV_HTTP_PARAMETER_TIME, .group = 1 },
    [PERSIST] = { "persist", KV_HTTP_PARAMETER_FLAG, .group = 1 },
  };
  KvHttpArgument arguments[N_PARAMETERS];

  *deadline = KV_NO_DEADLINE;
  if (!kv_http_parameters_read (query, parameters, N_PARAMETERS, arguments, error))
    return FALSE;
  /* Who says nothing may have forgotten it, and would have the key for ever. */
  if (!arguments[TTL].given && !arguments[EXPIRES_AT].given && !arguments[PERSIST].flag)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "ttl",
                               "\"ttl\", \"expires_at\" or \"persist\" must be there");
  *deadline = kv_http_ttl_from_arguments (&arguments[TTL], &arguments[EXPIRES_AT]);
  return TRUE;
}

void
kv_route_touch_post (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;
  gint64 deadline;
  KvHttpKey key;

  if (!read_deadline (exchange->query, &deadline, &error)
      || !kv_http_keyed_read_key (exchange, &key, &error)
      || !kv_operation_init_touch (&operation, key.text, (gssize) key.length, deadline, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  operation.want_entry = TRUE;
  kv_http_keyed_submit (exchange, &operation, answer);
}
