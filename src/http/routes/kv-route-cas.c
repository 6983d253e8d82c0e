/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-cas.h"

#include "core/kv-error.h"
#include "http/kv-http-json.h"
#include "http/kv-http-keyed.h"
#include "http/kv-http-refusal.h"
#include "http/kv-http-router.h"
#include "http/kv-http-uri.h"

/* That it was not swapped is an answer, not a fault: its status says all, and the body stays empty, unless somebody wants to have
 * it in words. */
static guint
status_of (const KvResult *result)
{
  if (result->status == KV_RESULT_NOT_FOUND)
    return 404;
  return result->status == KV_RESULT_CONDITION_FAILED ? 412 : 204;
}

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
  else if (!kv_http_refusal_wants_problem (exchange)
           || !kv_http_keyed_refuse (exchange, &results[0], TRUE))
    kv_http_exchange_send (exchange, status_of (&results[0]));
}

/* The operation borrows the expected value from @body. */
static gboolean
read_swap (KvHttpExchange *exchange, const json_t *body, KvOperation *operation, GError **error)
{
  KvHttpSpan expected, value;
  KvHttpKey key;

  if (!kv_http_uri_decode_key (kv_http_router_get_segment (exchange), &key, error))
    return FALSE;
  if (!json_is_object (body))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                           "The body must be an object with \"expected\" and \"new\"");
      return FALSE;
    }
  if (!kv_http_json_get_string (body, "expected", &expected, error)
      || !kv_http_json_get_string (body, "new", &value, error)
      || !kv_http_exchange_check_value (exchange, value.length, "new", "The new value is too long",
                                        error))
    return FALSE;
  return kv_operation_init_swap (operation, key.text, (gssize) key.length, expected.data,
                                 expected.length, value.data, (gssize) value.length, error);
}

void
kv_route_cas_post (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) body = kv_http_json_parse (exchange->body, &error);

  if (body != NULL && read_swap (exchange, body, &operation, &error))
    kv_store_submit (exchange->context->store, &operation, 1, FALSE, answer, exchange);
  else
    kv_http_exchange_send_error (exchange, error);
}
